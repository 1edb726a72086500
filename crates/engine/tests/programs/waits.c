/* For `waits.py`: a wait across which values are kept in vector registers, which a system call leaves as they are. */

#define LOAD(n) "movdqu " #n "*16(%[in]), %%xmm" #n "\n\t"
#define STORE(n) "movdqu %%xmm" #n ", " #n "*16(%[out])\n\t"
#define ALL(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) what(8) what(9) what(10) what(11) \
    what(12) what(13) what(14) what(15)

extern long syscall(long number, ...);

/* The call is the C library's, through an address, so that the loader has nothing to do in between. */
long poll_with_registers(void *fds, long timeout, const void *in, void *out)
{
    long (*volatile call)(long, ...) = syscall;
    long (*there)(long, ...) = call;
    register long number asm("rdi") = 7;
    register void *first asm("rsi") = fds;
    register long second asm("rdx") = 1;
    register long third asm("rcx") = timeout;
    register const void *from asm("rbx") = in;
    register void *to asm("r12") = out;
    long result;
    asm volatile(ALL(LOAD) "sub $128, %%rsp\n\tcall *%[there]\n\tadd $128, %%rsp\n\t" ALL(STORE)
                 : "=a"(result), "+r"(number), "+r"(first), "+r"(second), "+r"(third)
                 : [in] "r"(from), [out] "r"(to), [there] "r"(there)
                 : "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return result;
}
