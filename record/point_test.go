package record

import "testing"

func TestName(t *testing.T) {
	for _, c := range []struct {
		point map[string]string
		want  string
	}{
		{nil, "amp"},
		{map[string]string{"model": "resnet18"}, "amp model=resnet18"},
		{map[string]string{"model": "resnet18", "batch": "8"}, "amp batch=8 model=resnet18"},
	} {
		if got := Name("amp", c.point); got != c.want {
			t.Errorf("%v: %q, want %q", c.point, got, c.want)
		}
	}
}
