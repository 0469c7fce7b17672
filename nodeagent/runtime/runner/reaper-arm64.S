// A container's parent; see reaper-x64.S. AArch64, no libc.
  .text
  .globl _start
_start:
  sub sp, sp, #32
wait:
  mov x0, #-1
  add x1, sp, #4
  mov x2, #0
  mov x3, #0
  mov x8, #260            // wait4
  svc #0
  cmn x0, #4              // EINTR
  b.eq wait
  tbnz x0, #63, done
  str w0, [sp]
  ldr w12, [sp, #4]
  mov x0, #3
  mov x1, sp
  mov x2, #8
  mov x8, #64             // write
  svc #0
  b wait
done:
  mov x0, #4
  mov x8, #57             // close
  svc #0
release:
  mov x0, #5
  mov x1, sp
  mov x2, #1
  mov x8, #63             // read
  svc #0
  cmn x0, #4              // EINTR
  b.eq release
  lsr w0, w12, #8
  mov x8, #94             // exit_group
  svc #0
