// A library that is loaded late, and allocates at once: with `then` of whoever loads it.
typedef void (*next)(void);
extern void enter(const char *), leave(void);
extern next then_of_late;

__attribute__((constructor, noinline)) static void truth_late_begin(void) {
    enter("truth_late_begin");
    if (then_of_late) then_of_late();
    leave();
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void truth_late_call(next then) {
    enter("truth_late_call");
    then();
    leave();
    __asm__ volatile("" ::: "memory");
}
