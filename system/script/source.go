package script

import (
	"fmt"
	"strconv"
	"strings"

	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
)

// source writes the nodes of a graph, which follow one another from the images on, as
// the function forward, whose result is that of the last.
func source(nodes []*graph.Node) (string, error) {
	var b strings.Builder
	b.WriteString("def forward(self, v0):\n")
	for _, n := range nodes[1:] {
		lines, err := statements(n)
		if err != nil {
			return "", err
		}
		for _, line := range lines {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	fmt.Fprintf(&b, "    return %s\n", value(nodes[len(nodes)-1]))
	return b.String(), nil
}

// value is the name of a node's result.
func value(n *graph.Node) string { return fmt.Sprintf("v%d", n.Index) }

// statements compute a node's result.
func statements(n *graph.Node) ([]string, error) {
	var in []string
	for _, operand := range n.In {
		in = append(in, value(operand))
	}
	switch op := n.Op.(type) {
	case graph.Attend:
		return attend(value(n), in[0], op.Layer), nil
	case graph.GridPositions:
		return gridPositions(value(n), in[0], in[1], op), nil
	}
	e, err := expression(n.Op, in)
	return []string{value(n) + " = " + e}, err
}

// expression is an operation of one call, on the results in.
func expression(op graph.Op, in []string) (string, error) {
	switch op := op.(type) {
	case graph.Conv:
		return convolution(op.Layer, in[0]), nil
	case graph.BatchNorm:
		return call("batch_norm", in[0], layer(op.Layer.Name(), "weight", "bias", "running_mean", "running_var"), "False", "0.1", float(op.Layer.Eps()), "True"), nil
	case graph.ReLU:
		return call("relu", in[0]), nil
	case graph.GELU:
		return call("gelu", in[0]), nil
	case graph.Add:
		return call("add", in...), nil
	case graph.MaxPool:
		return maxPool(op.Pool, in[0]), nil
	case graph.Average:
		return call("flatten", call("adaptive_avg_pool2d", in[0], "[1, 1]"), "1", "-1"), nil
	case graph.Sequence:
		return call("transpose", call("flatten", in[0], "2", "-1"), "1", "2"), nil
	case graph.Prefix:
		return fmt.Sprintf("torch.cat([%s.expand([%s.size(0), -1, -1]), %[2]s], 1)", param(op.Token), in[0]), nil
	case graph.Positions:
		return call("add", in[0], param(op.Array)), nil
	case graph.LayerNorm:
		return call("layer_norm", in[0], list(op.Layer.Weight().Shape...), param(op.Layer.Weight()), param(op.Layer.Bias()), float(op.Layer.Eps()), "True"), nil
	case graph.Linear:
		return call("linear", in[0], param(op.Layer.Weight()), param(op.Layer.Bias())), nil
	case graph.First:
		return call("select", in[0], "1", "0"), nil
	case graph.Mean:
		return call("mean", in[0], "[1]"), nil
	case graph.Logit:
		return call("squeeze", in[0], "1"), nil
	}
	return "", fmt.Errorf("%s has no form in TorchScript", op)
}

func convolution(c *nn.Conv2D, x string) string {
	bias := "None"
	if c.Bias() != nil {
		bias = param(c.Bias())
	}
	return call("conv2d", x, param(c.Weight()), bias, list(c.Stride, c.Stride), list(c.Padding, c.Padding), "[1, 1]", strconv.Itoa(max(c.Groups, 1)))
}

func maxPool(p torch.Pool, x string) string {
	return call("max_pool2d", x, list(p.Kernel[:]...), list(p.Stride[:]...), list(p.Padding[:]...), "[1, 1]", "False")
}

// attend takes queries, keys and values apart, and heads.
func attend(y, x string, a *nn.Attention) []string {
	parts := y + "_parts"
	return []string{
		fmt.Sprintf("%s = %s.view([%[2]s.size(0), %[2]s.size(1), 3, %d, %d]).permute([2, 0, 3, 1, 4])", parts, x, a.Heads(), a.Dim()/a.Heads()),
		fmt.Sprintf("%s = torch.scaled_dot_product_attention(%s.select(0, 0), %[2]s.select(0, 1), %[2]s.select(0, 2))", y, parts),
		fmt.Sprintf("%s = %[1]s.transpose(1, 2).reshape([%s.size(0), %[2]s.size(1), %d])", y, x, a.Dim()),
	}
}

// gridPositions resizes the grid to the map where it has another size.
func gridPositions(y, x, grid string, o graph.GridPositions) []string {
	p := y + "_grid"
	return []string{
		fmt.Sprintf("%s = %s.view([1, %d, %[3]d, %d]).permute([0, 3, 1, 2])", p, param(o.Array), o.Side, o.Array.Shape[2]),
		fmt.Sprintf("if %s.size(2) != %d or %[1]s.size(3) != %[2]d:", grid, o.Side),
		fmt.Sprintf("    %s = torch.upsample_bicubic2d(%[1]s, [%s.size(2), %[2]s.size(3)], False, None, None)", p, grid),
		fmt.Sprintf("%s = torch.add(%s, %s.flatten(2, -1).transpose(1, 2))", y, x, p),
	}
}

func call(operator string, args ...string) string {
	return "torch." + operator + "(" + strings.Join(args, ", ") + ")"
}

// layer is the tensors of a layer as arguments.
func layer(name string, tensors ...string) string {
	var all []string
	for _, t := range tensors {
		all = append(all, attribute(name+"."+t))
	}
	return strings.Join(all, ", ")
}

func param(p *nn.Param) string { return attribute(p.Name) }

// attribute is how functions call a tensor of that name. A part of it that is a number
// is no name in the language.
func attribute(name string) string {
	e := "self"
	for part := range strings.SplitSeq(name, ".") {
		if part[0] >= '0' && part[0] <= '9' {
			e = fmt.Sprintf("getattr(%s, %q)", e, part)
		} else {
			e += "." + part
		}
	}
	return e
}

func list(v ...int) string {
	var words []string
	for _, n := range v {
		words = append(words, strconv.Itoa(n))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// float writes a number with an exponent, so that it is none of the integers.
func float(v float64) string { return strconv.FormatFloat(v, 'e', -1, 64) }
