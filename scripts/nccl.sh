#!/bin/sh
# Print the compiler's flags for the headers of NCCL and CUDA, which liblt_nccl.so
# needs; or, if it cannot be built, one line: "none: " and what is missing.
#
# usage: nccl.sh LIBTORCH
#
# Headers are looked for in CUDA_HOME, in /usr/local/cuda and beside LIBTORCH, where
# pip puts them: nvidia-nccl-cu13, nvidia-cuda-runtime, nvidia-cuda-crt,
# nvidia-cuda-cccl, nvidia-cublas, nvidia-cusparse, nvidia-cusolver.
torch=$1

if ! test -e "$torch/lib/libtorch_cuda.so"; then
	echo "none: $torch is without libtorch_cuda.so"
	exit
fi

set -- ${CUDA_HOME:+"$CUDA_HOME/include" "$CUDA_HOME/include/cccl"} /usr/local/cuda/include /usr/local/cuda/include/cccl \
	"$torch"/../nvidia/*/include "$torch"/../nvidia/*/include/cccl /usr/include
for header in nccl.h cuda_runtime.h crt/host_config.h nv/target cublas_v2.h cublasLt.h cusparse.h cusolverDn.h; do
	found=
	for dir; do
		test -e "$dir/$header" && found=yes && break
	done
	if test -z "$found"; then
		echo "none: the header $header is not in $*"
		exit
	fi
done

for dir; do
	test -d "$dir" && test "$dir" != /usr/include && printf -- '-isystem %s ' "$dir"
done
echo
