// The first process of a PID namespace that a pod's containers share; see init-x64.S. AArch64, no libc.
  .text
  .globl _start
_start:
  sub sp, sp, #16
  mov x0, #0x10000
  str x0, [sp]
  mov x0, #0              // SIG_BLOCK
  mov x1, sp
  mov x2, #0
  mov x3, #8
  mov x8, #135            // rt_sigprocmask
  svc #0
collect:
  mov x0, #-1
  mov x1, #0
  mov x2, #1              // WNOHANG
  mov x3, #0
  mov x8, #260            // wait4
  svc #0
  cmp x0, #0
  b.gt collect
  mov x0, sp
  mov x1, #0
  mov x2, #0
  mov x3, #8
  mov x8, #137            // rt_sigtimedwait
  svc #0
  b collect
