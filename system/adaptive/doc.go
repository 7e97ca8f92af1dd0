// Package adaptive chooses how many images a training step has, by what steps have
// taken so far.
//
// There are two rules. [Doubling] is the one that is often written down: double the
// batch while memory is below a share of the budget, halve it above another. It looks
// at memory alone, so it never asks whether a larger batch is faster; and where no
// batch falls between the two shares it goes to and fro for ever, which it reports.
// [Throughput] looks for the batch with the most images per second under the budget:
// it doubles while that pays and while the next batch is expected to fit, or else
// halves while that pays, and then stays.
//
// Both only say what is next. Who makes the steps tells them what each has taken, and
// whether memory ran out, which halves the batch and is counted.
//
// Not here: what memory is (torch.Memory), and the effect of the batch on what is
// learned: another batch is another training run.
package adaptive
