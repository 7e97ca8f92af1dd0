package runner

import (
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

func profiledCell() record.Cell {
	cell := smallCell("c1", 3)
	cell.Profile = true
	return cell
}

// profilesOf are the profiles in a journal, by arm.
func profilesOf(j map[string][]record.Entry) map[string]record.Profile {
	out := map[string]record.Profile{}
	for _, e := range j[record.KindProfile] {
		out[e.Profile.Arm] = e.Profile.Profile
	}
	return out
}

// Each arm has one profile, by a process that takes no part in the timing.
func TestEveryArmIsProfiledOnce(t *testing.T) {
	j := journal(t, mustStart(t, options(t, fakeworker.Script{}, profiledCell())))
	if n := len(j[record.KindProfile]); n != 3 {
		t.Errorf("%d profiles; want 3", n)
	}
	for arm, p := range profilesOf(j) {
		if p.Status != record.OK || p.Said == nil || p.Said.Operators[0].Name != "aten::mm" || p.Iterations <= 10 {
			t.Errorf("%s: %+v; want a profile of 0.3 s, which is 300 samples", arm, p)
		}
	}
	passes := map[string]int{}
	for _, e := range j[record.KindWorker] {
		passes[e.Worker.Pass]++
	}
	if passes[protocol.PassProfile] != 3 || passes[protocol.PassTime] != 6 {
		t.Errorf("passes %v; want 3 of profiles and 6 of time", passes)
	}
}

// The fastest of the tries is kept: the others had less of the machine.
func TestTheFastestProfileIsKept(t *testing.T) {
	script := fakeworker.Script{Faults: []fakeworker.Fault{
		{Do: "shrink-profile", At: protocol.OpSample, Pass: protocol.PassProfile, Seed: 1, Nth: 3}}}
	cell := profiledCell()
	cell.Plan.Warmup = 0 // samples: the first iteration, then the tries
	p := profilesOf(journal(t, mustStart(t, options(t, script, cell))))["control"]
	if p.Said == nil || p.Said.Threads != 2 {
		t.Errorf("%+v; want the second of three, which is marked by its 2 threads", p)
	}
}

// What has no profile says why, and nothing else comes of it: times are as good.
func TestAProfileThatCannotBeHad(t *testing.T) {
	at := func(do, op string) fakeworker.Fault {
		return fakeworker.Fault{Do: do, At: op, Seed: 2, Pass: protocol.PassProfile}
	}
	for _, tt := range []struct {
		fault          fakeworker.Fault
		status, reason string
	}{
		{at("unsupported", protocol.OpPrepare), record.Skipped, "PyTorch is not installed"},
		{at("bad-request", protocol.OpPrepare), record.Skipped, "this build of the worker makes no profiles: request has the unknown key"},
		{at("unknown-setting", protocol.OpPrepare), record.Incomparable, "is not known"},
		{at("crash", protocol.OpSample), record.Crash, "exit status 3"},
		{at("lie-profile-negative", protocol.OpSample), record.Invalid, "time that is not negative"},
		{at("lie-profile-total", protocol.OpSample), record.Invalid, "operators took"},
		{at("lie-profile-wall", protocol.OpSample), record.Invalid, "but the answer came after"},
		{at("lie-profile-none", protocol.OpSample), record.Invalid, "sent none"},
		{at("nan-profile", protocol.OpSample), record.Failed, "is not an answer"},
	} {
		t.Run(tt.fault.Do, func(t *testing.T) {
			if tt.fault.Do == "lie-profile-none" {
				tt.fault.Every = true
			}
			j := journal(t, mustStart(t, options(t, fakeworker.Script{Faults: []fakeworker.Fault{tt.fault}}, profiledCell())))
			for arm, p := range profilesOf(j) {
				lied := arm == "variant1"
				if lied != (p.Status == tt.status) || lied != strings.Contains(p.Reason, tt.reason) || lied != (p.Said == nil) {
					t.Errorf("%s: %+v; want status %s with %q of variant1 alone", arm, p, tt.status, tt.reason)
				}
			}
			if n := len(j[record.KindProfile]); n != 3 || len(j[record.KindStatus]) != 0 {
				t.Errorf("%d profiles, arms that ended: %+v; want 3 and none", n, j[record.KindStatus])
			}
		})
	}
}

// An arm that ended has no profile, and a control that is left alone needs none.
func TestArmsThatEndedAreNotProfiled(t *testing.T) {
	crash := func(seed int) fakeworker.Fault {
		return fakeworker.Fault{Do: "crash", At: protocol.OpSample, Seed: seed, Pass: protocol.PassTime}
	}
	for faults, want := range map[*[]fakeworker.Fault][]string{
		{crash(2)}:           {"control", "variant2"},
		{crash(2), crash(3)}: nil,
	} {
		var got []string
		for _, e := range journal(t, mustStart(t, options(t, fakeworker.Script{Faults: *faults}, profiledCell())))[record.KindProfile] {
			got = append(got, e.Profile.Arm)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("profiles of %v; want %v", got, want)
		}
	}
}
