// Functions that call each other and back, and say themselves who called: the truth about native stacks. Compiled as C and as C++.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define API extern "C" __attribute__((noinline, visibility("default")))
#else
#define API __attribute__((noinline, visibility("default")))
#endif
// what is called last is called, and not jumped to
#define HERE __asm__ volatile("" ::: "memory")

typedef void (*next)(void);
typedef void (*next_of_late)(next);

static __thread const char *names[512];
static __thread int depth;
static FILE *out;

API void enter(const char *name) { names[depth++] = name; }
API void leave(void) { depth--; }

// Says who called, and what glibc makes of it.
static __attribute__((noinline)) void tell(size_t bytes) {
    void *code[512];
    int count = backtrace(code, 512);
    flockfile(out);
    fprintf(out, "{\"bytes\": %zu, \"names\": [", bytes);
    for (int i = depth; i-- > 0;) fprintf(out, "\"%s\"%s", names[i], i ? ", " : "");
    fprintf(out, "], \"natives\": [");
    for (int i = 0; i < count; i++) {
        Dl_info about;
        memset(&about, 0, sizeof about);
        dladdr((char *)code[i] - 1, &about);
        fprintf(out, "%s[\"%s\", %zu, %zu, \"%s\"]", i ? ", " : "", about.dli_fname ? about.dli_fname : "",
                (size_t)about.dli_fbase, (size_t)code[i] - 1, about.dli_sname ? about.dli_sname : "");
    }
    fprintf(out, "]}\n");
    funlockfile(out);
}

API void *truth_c_probe(size_t bytes) {
    void *block = malloc(bytes);
    tell(bytes);
    return block;
}

API void begin(const char *path) {
    void *code[8];
    out = fopen(path, "w");
    // (the first time it loads a library)
    backtrace(code, 8);
}

API void end(void) { fclose(out); }

API void truth_c_call(next then) {
    enter("truth_c_call");
    then();
    leave();
    HERE;
}

API void truth_c_deep(int levels, next then) {
    enter("truth_c_deep");
    if (levels) truth_c_deep(levels - 1, then);
    else then();
    leave();
    HERE;
}

// A stack that is aligned and has no fixed size.
API void truth_c_aligned(next then) {
    volatile char room[200] __attribute__((aligned(128)));
    volatile char *more = (volatile char *)__builtin_alloca((size_t)(depth * 16 + 100));
    enter("truth_c_aligned");
    room[0] = more[0] = 1;
    then();
    room[1] = more[1] = 1;
    leave();
    HERE;
}

static __thread next of_sort;

static __attribute__((noinline)) int truth_c_compare(const void *left, const void *right) {
    next then = of_sort;
    of_sort = 0;
    if (then) {
        enter("truth_c_compare");
        then();
        leave();
    }
    return *(const int *)left - *(const int *)right;
}

API void truth_c_sort(next then) {
    int numbers[] = {3, 1, 2, 5, 4};
    enter("truth_c_sort");
    of_sort = then;
    qsort(numbers, 5, sizeof(int), truth_c_compare);
    leave();
    HERE;
}

static __thread next of_signal;

static __attribute__((noinline)) void truth_c_handler(int number) {
    next then = of_signal;
    (void)number;
    enter("truth_c_handler");
    then();
    leave();
    HERE;
}

API void truth_c_signal(next then) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = truth_c_handler;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR2, &action, &before);
    enter("truth_c_signal");
    of_signal = then;
    raise(SIGUSR2);
    leave();
    sigaction(SIGUSR2, &before, 0);
}

#ifdef __cplusplus
extern "C" {
#endif
__attribute__((visibility("default"))) next then_of_late;
#ifdef __cplusplus
}
#endif

// Loads a library whose constructor goes on.
API void truth_c_load(const char *path, next then) {
    enter("truth_c_load");
    then_of_late = then;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    then_of_late = 0;
    next_of_late of_library = library ? (next_of_late)dlsym(library, "truth_late_call") : 0;
    if (of_library) of_library(then);
    leave();
    HERE;
}

#ifdef __cplusplus
namespace outer {
template <int N> __attribute__((noinline)) void truth_cpp_deep(next then) {
    enter("truth_cpp_deep");
    truth_cpp_deep<N - 1>(then);
    leave();
    HERE;
}
template <> __attribute__((noinline)) void truth_cpp_deep<0>(next then) {
    enter("truth_cpp_deep");
    then();
    leave();
    HERE;
}
}
API void truth_c_templates(next then) {
    enter("truth_c_templates");
    outer::truth_cpp_deep<3>(then);
    leave();
    HERE;
}
#endif
