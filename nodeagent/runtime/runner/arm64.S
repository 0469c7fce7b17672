// Makes a process and walks a list of system calls in it. AArch64, AAPCS64. What it does, and the record's layout, is
// written in x64.S; this is the same walk, instruction for instruction as far as the two allow.
  .text
  .globl runner
runner:
  mov x9, x1              // the list; system calls keep all registers but x0
  mov x1, x2
  mov x8, #435            // clone3
  svc #0
  cbz x0, walk
  ret
walk:
  ldr x8, [x9]
  cmn x8, #1
  b.eq fail
  ldp x0, x1, [x9, #8]
  ldp x2, x3, [x9, #24]
  ldp x4, x5, [x9, #40]
  svc #0
  str x0, [x9, #88]
  ldr x10, [x9, #80]
  cbz x10, stored
  str x0, [x10]
stored:
  cmn x0, #4095
  b.hs failed
  ldr x11, [x9, #64]
  ldr x10, [x9, #72]
  cbz x10, skip
  cbnz x0, skip
  mov x11, #0
skip:
  mov x10, #96
  madd x9, x11, x10, x9
  add x9, x9, #96
  b walk
failed:
  neg x0, x0
  cmp x0, #63
  b.hi fail
  ldr x10, [x9, #56]
  lsr x10, x10, x0
  tbz x10, #0, fail
  mov x11, #0
  b skip
fail:
  mov x0, #127
  mov x8, #94             // exit_group
  svc #0
  brk #0
