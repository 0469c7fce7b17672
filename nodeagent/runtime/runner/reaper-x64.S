# A container's parent: waits for its children and appends {pid, status} (8 bytes) to file descriptor 3 for each. When none
# is left it closes descriptor 4, which tells that it is over, and waits for a byte on 5: until then it keeps open what the
# container wrote to, so that nothing of it is lost while nobody reads. x86-64, no libc.
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
  mov edi, 4
  mov eax, 3              # close
  syscall
release:
  mov edi, 5
  mov rsi, rsp
  mov edx, 1
  xor eax, eax            # read
  syscall
  cmp rax, -4             # EINTR
  je release
  mov edi, r12d
  shr edi, 8
  mov eax, 231            # exit_group
  syscall
