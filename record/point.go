package record

import (
	"maps"
	"slices"
	"strings"
)

// Axes writes a point of a matrix as axis=value, sorted by axis: [batch=8 model=resnet18].
func Axes(point map[string]string) []string {
	var axes []string
	for _, axis := range slices.Sorted(maps.Keys(point)) {
		axes = append(axes, axis+"="+point[axis])
	}
	return axes
}

// Name is a scenario at a point of its matrix: amp model=resnet18.
func Name(scenario string, point map[string]string) string {
	return strings.Join(append([]string{scenario}, Axes(point)...), " ")
}
