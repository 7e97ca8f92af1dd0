package ranks

import (
	"strings"
	"testing"
)

// env makes a lookup of "NAME=value NAME=value".
func env(text string) lookup {
	vars := map[string]string{}
	for _, v := range strings.Fields(text) {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

const (
	torchrun = "RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=a.site MASTER_PORT=29500"
	slurm    = "SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_JOB_ID=123456 SLURM_NODELIST=gpu[03-06,09].site"
)

func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		env  string
		want Place
	}{
		"nothing set":                {"HOME=/", Place{}},
		"torchrun":                   {torchrun, Place{Rank: 3, World: 4, Local: 1, Host: "a.site", Port: 29500}},
		"torchrun keeps the store":   {torchrun + " TORCHELASTIC_USE_AGENT_STORE=True TORCHELASTIC_RESTART_COUNT=2", Place{Rank: 3, World: 4, Local: 1, Host: "a.site", Port: 29500, Agent: true, Round: "2"}},
		"PyTorchJob":                 {"RANK=0 WORLD_SIZE=2 MASTER_ADDR=job-0 MASTER_PORT=23456", Place{World: 2, Host: "job-0", Port: 23456}},
		"one rank needs no meeting":  {"RANK=0 WORLD_SIZE=1", Place{World: 1}},
		"torchrun within Slurm":      {torchrun + " " + slurm, Place{Rank: 3, World: 4, Local: 1, Host: "a.site", Port: 29500}},
		"Slurm":                      {slurm, Place{Rank: 5, World: 8, Local: 1, Host: "gpu03.site", Port: 18456}},
		"Slurm, the step's machines": {slurm + " SLURM_STEP_NODELIST=gpu05", Place{Rank: 5, World: 8, Local: 1, Host: "gpu05", Port: 18456}},
		"Slurm, MASTER_ADDR wins":    {slurm + " MASTER_ADDR=10.0.0.1 MASTER_PORT=99", Place{Rank: 5, World: 8, Local: 1, Host: "10.0.0.1", Port: 99}},
		"Slurm, no list": {"SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_JOB_ID=7 SLURM_LAUNCH_NODE_IPADDR=10.0.0.9",
			Place{Rank: 1, World: 2, Host: "10.0.0.9", Port: 15007}},
		"salloc, which starts one process": {"SLURM_NTASKS=8 SLURM_JOB_ID=7", Place{}},
	} {
		got, err := parse(env(c.env))
		got.by = ""
		if err != nil || got != c.want {
			t.Errorf("%s: %+v (%v), want %+v", name, got, err, c.want)
		}
	}
}

func TestPlaceErrors(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"RANK=1", "WORLD_SIZE is not set; want a whole number from 1 to 65536"},
		{"WORLD_SIZE=2", "RANK is not set; want a whole number from 0 to 1"},
		{"RANK=2 WORLD_SIZE=2", `RANK is "2"; want a whole number from 0 to 1`},
		{"RANK=-1 WORLD_SIZE=2", `RANK is "-1"; want a whole number from 0 to 1`},
		{"RANK=1 WORLD_SIZE=1", `RANK is "1"; want 0`},
		{"RANK=0 WORLD_SIZE=two", `WORLD_SIZE is "two"; want a whole number from 1 to 65536`},
		{"RANK=0 WORLD_SIZE=0", `WORLD_SIZE is "0"; want a whole number from 1 to 65536`},
		{"RANK= WORLD_SIZE=2", "RANK is empty; want a whole number from 0 to 1"},
		{"RANK=0 WORLD_SIZE=2 LOCAL_RANK=2", `LOCAL_RANK is "2"; want a whole number from 0 to 1`},
		{"RANK=0 WORLD_SIZE=2 MASTER_PORT=1", "MASTER_ADDR is not set; want the host of rank 0"},
		{"RANK=0 WORLD_SIZE=2 MASTER_ADDR=a", "MASTER_PORT is not set; want a whole number from 1 to 65535"},
		{"RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=70000", `MASTER_PORT is "70000"; want a whole number from 1 to 65535`},
		{"SLURM_PROCID=8 SLURM_NTASKS=8", `SLURM_PROCID is "8"; want a whole number from 0 to 7`},
		{"SLURM_PROCID=0 SLURM_NTASKS=2", "MASTER_ADDR is not set, nor are SLURM_STEP_NODELIST, SLURM_NODELIST"},
		{"SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODELIST=n", "SLURM_JOB_ID is not set"},
		{"SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODELIST=n[a]", `SLURM_NODELIST is "n[a]"; want a list of machines such as`},
	} {
		if _, err := parse(env(c.env)); err == nil || !strings.Contains(err.Error(), "environment variable "+c.want) {
			t.Errorf("%s: %v, want an error with %q", c.env, err, c.want)
		}
	}
}

func TestFirstNode(t *testing.T) {
	for list, want := range map[string]string{
		"a":                  "a",
		"a,b":                "a",
		"n[1-3]":             "n1",
		"n[08,12]":           "n08",
		"r[1-2]n[05-06]":     "r1n05",
		"n[3-4].site,other":  "n3.site",
		"node-7.site,node-8": "node-7.site",
		"":                   "",
		"n[":                 "",
		"n[]":                "",
		"n]":                 "",
	} {
		if got := firstNode(list); got != want {
			t.Errorf("first machine of %q is %q, want %q", list, got, want)
		}
	}
}
