// clones.hpp: functions that are compiled once for each width of a processor's
// registers; the loader takes the widest that the machine has.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define LT_CLONES __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define LT_CLONES
#endif
