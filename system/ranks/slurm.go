package ranks

import (
	"fmt"
	"strings"
)

// Variables that Slurm's srun sets.
const (
	slurmRank  = "SLURM_PROCID"
	slurmWorld = "SLURM_NTASKS"
	slurmLocal = "SLURM_LOCALID"
	slurmJob   = "SLURM_JOB_ID"
	launchVar  = "SLURM_LAUNCH_NODE_IPADDR"
)

// Lists of machines, that of the step first. Rank 0 runs on the first machine.
var nodeLists = []string{"SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST"}

// Slurm gives no port. One that follows from the job keeps jobs that share a machine
// apart; it lies below the ports that connections get by themselves.
const (
	firstPort = 15000
	ports     = 10000
)

func ofSlurm(env lookup) (p Place, err error) {
	if p, err = count(env, slurmRank, slurmWorld, slurmLocal); err != nil || p.Alone() {
		return p, err
	}
	if p.Host, err = slurmHost(env); err != nil {
		return p, err
	}
	if env.has(portVar) {
		p.Port, err = number(env, portVar, 1, 65535)
		return p, err
	}
	job, err := number(env, slurmJob, 0, 1<<62)
	p.Port = firstPort + job%ports
	return p, err
}

func slurmHost(env lookup) (string, error) {
	if env.has(hostVar) {
		return text(env, hostVar, "the host of rank 0")
	}
	for _, name := range nodeLists {
		list, ok := env(name)
		if !ok {
			continue
		}
		host := firstNode(list)
		if host == "" {
			return "", fmt.Errorf("environment variable %s is %q; want a list of machines such as node[01-04,07]", name, list)
		}
		return host, nil
	}
	if host, ok := env(launchVar); ok && host != "" {
		return host, nil
	}
	return "", fmt.Errorf("environment variable %s is not set, nor are %s and %s; want the host of rank 0", hostVar, strings.Join(nodeLists, ", "), launchVar)
}

// firstNode returns the first machine of a list of Slurm's, "" if it is none:
// node[01-04,07].site is node01.site, and so is node01.site,node02.site.
func firstNode(list string) string {
	var name strings.Builder
	for list != "" {
		end := strings.IndexAny(list, "[,]")
		if end < 0 {
			name.WriteString(list)
			break
		}
		name.WriteString(list[:end])
		if list[end] == ',' {
			break
		}
		if list[end] == ']' {
			return ""
		}
		group, rest, closed := strings.Cut(list[end+1:], "]")
		first := group[:len(group)-len(strings.TrimLeft(group, "0123456789"))]
		if !closed || first == "" {
			return ""
		}
		name.WriteString(first)
		list = rest
	}
	return strings.TrimSpace(name.String())
}
