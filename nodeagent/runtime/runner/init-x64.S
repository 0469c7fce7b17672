# The first process of a PID namespace that a pod's containers share: collects orphans, for ever. x86-64, no libc.
  .intel_syntax noprefix
  .text
  .globl _start
_start:
  push 0x10000            # the set {SIGCHLD}; blocked, or else it is discarded before sigtimedwait sees it
  xor edi, edi            # SIG_BLOCK
  mov rsi, rsp
  xor edx, edx
  mov r10d, 8
  mov eax, 14             # rt_sigprocmask
  syscall
collect:
  mov edi, -1
  xor esi, esi
  mov edx, 1              # WNOHANG
  xor r10d, r10d
  mov eax, 61             # wait4
  syscall
  test rax, rax
  jg collect
  mov rdi, rsp
  xor esi, esi
  xor edx, edx
  mov r10d, 8
  mov eax, 128            # rt_sigtimedwait
  syscall
  jmp collect
