package scenarios

import (
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"

	"lensbench/protocol"
)

// looks are numbers of restarts, ascending.
type looks []int

const mostLooks = 10

func (looks) want(field) string {
	return fmt.Sprintf("a list of up to %d ascending whole numbers from %d to 1000, such as [8, 12, 16, 24, 36]", mostLooks, verdictRestarts)
}

func (v *looks) decode(d *decoder, p pair, f field) {
	one := protocol.Field{Key: "item of " + f.Key, HasRange: true, Min: verdictRestarts, Max: 1000, Type: reflect.Int}
	var out looks
	for _, n := range d.list(p, f.Key, v.want(f)) {
		x, ok := d.scalar(pair{key: p.key, value: n}, one)
		if !ok {
			return
		}
		out = append(out, x.(int))
		if i := len(out) - 1; i > 0 && out[i] <= out[i-1] {
			d.report(n, fmt.Sprintf("not above the look before, %d", out[i-1]), v.want(f), "")
			return
		}
	}
	if len(out) > mostLooks {
		d.report(p.key, fmt.Sprintf("%d looks are too many", len(out)), v.want(f), "")
		return
	}
	*v = out
}

func (looks) schema(f field) *jsonschema.Schema {
	most := uint64(mostLooks)
	s := listSchema(numberSchema(protocol.Field{Type: reflect.Int, HasRange: true, Min: verdictRestarts, Max: 1000}), true)
	s.MaxItems = &most
	return s
}
