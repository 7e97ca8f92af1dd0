// Package protocol is the worker protocol: the only way between bench, which
// measures, and a worker, which does the measured work.
//
// A worker is a process that reads one Request a line on standard input and
// answers each with one Response a line on standard output, both JSON.
// Standard error is its log. Any program may be a worker; `lens worker` and
// system/peer/pytorch_worker.py are two.
//
//	hello    who are you            → Hello
//	prepare  build what Settings say → Facts
//	sample   run N iterations        → Sample
//	verify   compute outputs         → Outputs; others than the default ones if a check is named
//	close    end                     → empty response, then exit
//
// Rules that both sides rely on:
//   - A worker answers requests in order, with the request's ID, and writes
//     nothing else to the protocol's descriptor. It keeps a private copy of
//     that descriptor and points descriptor 1 at standard error, so that a
//     library that prints cannot break the protocol.
//   - Unknown settings, models or operations are an Error, never ignored: an
//     older build is then "not comparable" instead of silently wrong.
//   - Numbers that are not finite travel as strings (see Number).
//   - A worker exits when its standard input ends, and ends its own children.
//   - Times are seconds, sizes are bytes.
//
// Version is raised whenever an older reader would misunderstand a newer
// writer; adding an optional field does not raise it.
package protocol

// Version of the protocol described here.
const Version = 1
