"""The most that this processor does: a loop of independent fused multiply-adds, in C."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

PROGRAM = """
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <omp.h>
#ifdef __AVX512F__
typedef __m512 V;
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define WIDTH 16
#else
typedef __m256 V;
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define WIDTH 8
#endif
int main(int argc, char **argv) {
  int threads = atoi(argv[1]); long loops = 40000000; struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  #pragma omp parallel num_threads(threads)
  {
    V s[12], x = SET(0.999f), y = SET(1e-3f);
    for (int i = 0; i < 12; i++) s[i] = SET((float)i);
    for (long n = 0; n < loops; n++) {
      #pragma GCC unroll 12
      for (int i = 0; i < 12; i++) s[i] = FMA(s[i], x, y);
    }
    for (int i = 0; i < 12; i++) __asm__ volatile("" : : "v"(s[i]));  // used, so not left out
  }
  clock_gettime(CLOCK_MONOTONIC, &b);
  double seconds = b.tv_sec - a.tv_sec + 1e-9 * (b.tv_nsec - a.tv_nsec);
  printf("%f", 2.0 * WIDTH * 12 * loops * threads / seconds / 1e9);
}
"""


def gflops(scratch: Path, threads: int) -> float:
    """The most that this processor does, in thousand million operations a second."""
    source, program = scratch / "peak.c", scratch / "peak"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", "-O2", "-march=native", "-fopenmp", "-o", program, source], check=True)
    return max(float(subprocess.check_output([program, str(threads)])) for _ in range(3))


def tell(part: dict[str, Any], multiply_adds: float, peak: float) -> None:
    """Write down how fast everyone was, and which fraction of the peak harkit reached.

    Multiply-adds are those of the definition: Winograd's convolutions do fewer, and may pass the peak.
    """
    for row in part["rows"]:
        if row["failure"] is None:
            speed = 2e-6 * multiply_adds / row["median"]
            row["note"] = f"{speed:.0f} GFLOP/s, {speed / peak:.0%} of the peak; {row['note']}".rstrip("; ")
    part["of_peak"] = round(2e-6 * multiply_adds / part["rows"][0]["median"] / peak, 3)
