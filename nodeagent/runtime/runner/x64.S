# Makes a process and walks a list of system calls in it. x86-64, System V calling convention.
#
#   long runner(struct clone_args *args, struct record *list, size_t args_size)
#
# The caller gets clone3's answer: the new process's id, or -errno. The new process (which shares the caller's memory,
# CLONE_VM, on a stack of its own) never returns: it walks the records until one of them is a successful execve, or it
# exits with 127. A record has 96 bytes; runtime/runner/records.ts writes them:
#
#    0  i64 nr           system call; -1 ends the list
#    8  u64 a0 … a5
#   56  u64 tolerated    bit e: go on to the next record when it fails with errno e (below 64)
#   64  u64 skip         records to leave out when it succeeds
#   72  u64 only_parent  not 0: leave out `skip` records only if the answer is not 0, as in the parent after clone
#   80  u64 *out         the answer is also stored here, if not 0: a later record's argument
#   88  i64 answer
#
# No stack is used after clone3, so that an inner clone with CLONE_VM|CLONE_VFORK may go on on the same one.
  .intel_syntax noprefix
  .text
  .globl runner
runner:
  push rbx
  mov rbx, rsi
  mov rsi, rdx
  mov eax, 435            # clone3
  syscall
  test rax, rax
  jz walk
  pop rbx
  ret
walk:
  mov rax, [rbx]
  cmp rax, -1
  je fail
  mov rdi, [rbx+8]
  mov rsi, [rbx+16]
  mov rdx, [rbx+24]
  mov r10, [rbx+32]
  mov r8, [rbx+40]
  mov r9, [rbx+48]
  syscall
  mov [rbx+88], rax
  mov rcx, [rbx+80]
  test rcx, rcx
  jz stored
  mov [rcx], rax
stored:
  cmp rax, -4096
  ja failed
  mov rcx, [rbx+64]
  cmp qword ptr [rbx+72], 0
  je skip
  test rax, rax
  jnz skip
  xor ecx, ecx
skip:
  imul rcx, rcx, 96
  lea rbx, [rbx+rcx+96]
  jmp walk
failed:
  neg rax
  cmp rax, 63
  ja fail
  mov rcx, [rbx+56]
  bt rcx, rax
  jnc fail
  xor ecx, ecx
  jmp skip
fail:
  mov edi, 127
  mov eax, 231            # exit_group
  syscall
  hlt
