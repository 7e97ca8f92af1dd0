// Package accelerator reads what GPUs do while something is measured on them:
// clocks and why they are held down, errors of memory, who else computes there,
// energy. It measures nothing and changes nothing.
//
// NVIDIA's are read by NVML, whose library comes with the driver. It is looked
// for when this package is asked, not when a program starts; where it is not, or
// where this build has no cgo, that is an answer (ErrAbsent) and no failure.
// Every number that a device does not give is absent, with NVML's reason: some
// have no ECC, virtual ones no clocks, and zero would be a lie.
//
// Rejected: parsing the output of nvidia-smi, which takes a second, starts a
// process while others are timed, and is not on every machine with a driver.
package accelerator
