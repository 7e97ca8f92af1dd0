package runner

import (
	"encoding/json"
	"fmt"

	"lensbench/protocol"
	"lensbench/record"
)

// decodeAnswer reads the answer to req strictly: one JSON object with the
// request's ID and the one content that its operation has, or an error. The
// error is a failure.
func decodeAnswer(line []byte, req protocol.Request, resp *protocol.Response) error {
	if err := json.Unmarshal(line, resp); err != nil {
		return failf(record.Failed, "worker answered %s with %s, which is not an answer: %v", req.Op, quote(line), err)
	}
	if resp.ID != req.ID {
		return failf(record.Failed, "worker answered request %d when asked for request %d (%s)", resp.ID, req.ID, req.Op)
	}
	has := map[string]bool{
		"error":            resp.Error != nil,
		protocol.OpHello:   resp.Hello != nil,
		protocol.OpPrepare: resp.Facts != nil,
		protocol.OpSample:  resp.Sample != nil,
		protocol.OpVerify:  resp.Outputs != nil,
	}
	want := req.Op
	if resp.Error != nil {
		want = "error"
	}
	for content, there := range has {
		if there != (content == want) {
			return failf(record.Failed, "worker's answer to %s has the wrong content: %s", req.Op, quote(line))
		}
	}
	return nil
}

// quote shows the beginning of what a worker wrote.
func quote(b []byte) string {
	const most = 80
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}
