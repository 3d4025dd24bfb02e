/* What the C test programs check with. A failed check is told and counted; main returns finish(). */
#ifndef CHECK_H
#define CHECK_H

#include <ftreview.h>

#include <stdio.h>
#include <string.h>

/* Milliseconds after which a wait that should have been over long ago is a failure. */
#define LONG 60000

static int failures;

/* Fails when the condition does not hold. Goes on: one run shows all that is wrong. */
#define CHECK(condition) \
    ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition)))

/* Fails unless a function of the library returned this. */
#define RETURNS(expected, call) returns(__FILE__, __LINE__, #call, (call), (expected))

static inline void returns(const char *file, int line, const char *call, int32_t code, int32_t expected)
{
    if (code == expected)
        return;
    failures++;
    fprintf(stderr, "%s:%d: %s returned %d (%s: %s), not %d (%s)\n", file, line, call, (int)code, ftr_error_name(code),
            code < 0 ? ftr_last_error_message() : "", (int)expected, ftr_error_name(expected));
}

static inline int finish(void)
{
    if (failures > 0)
        fprintf(stderr, "%d checks failed\n", failures);
    return failures > 0 ? 1 : 0;
}

#endif
