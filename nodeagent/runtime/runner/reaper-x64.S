# A container's parent: waits for its children, appends {pid, status} (8 bytes) to file descriptor 3 for each, and exits
# with the last one's exit code when none is left. x86-64, no libc.
  .intel_syntax noprefix
  .text
  .globl _start
_start:
  sub rsp, 32
wait:
  mov edi, -1
  lea rsi, [rsp+4]
  xor edx, edx
  xor r10d, r10d
  mov eax, 61             # wait4
  syscall
  cmp rax, -4             # EINTR
  je wait
  test rax, rax
  js done
  mov [rsp], eax
  mov r12d, [rsp+4]
  mov edi, 3
  mov rsi, rsp
  mov edx, 8
  mov eax, 1              # write
  syscall
  jmp wait
done:
  mov edi, r12d
  shr edi, 8
  mov eax, 231            # exit_group
  syscall
