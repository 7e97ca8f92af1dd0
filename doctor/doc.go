// Package doctor looks at a machine the way a run would find it and says what
// would spoil the numbers, or stop them, and what to do about it. It changes
// nothing and measures for half a second only.
//
// Each examination is one function from what it looks at to Findings; those
// that read the kernel's tables take numbers, so that tests can make up
// machines that do not exist here.
package doctor
