/* What the tests of lathe-agent share beyond the boards themselves (eng-test-agent.h). */
#pragma once

#include "eng-test-agent.h"

G_BEGIN_DECLS

/* Kilobytes of the service that say nothing: a sanitizer keeps what was freed for a while. */
#ifdef __SANITIZE_ADDRESS__
#define AGENT_CASE_SPARE_KB (512 * 1024)
#else
#define AGENT_CASE_SPARE_KB 0
#endif

/* First thing in main(), in place of g_test_init(). */
void agent_case_init (int *argc, char ***argv);

/* One request over a connection of its own, without the studio's code. @headers: whole lines. The
 * answer as it came, newly allocated; tried again while the door lets nobody new in. */
char *agent_case_request (EngTestAgent *board, const char *method, const char *path,
                          const char *headers, const char *body);

/* A file of @n bytes that do not repeat, in the board's temporary folder. Its path, newly
 * allocated. */
char *agent_case_file (EngTestAgent *board, const char *name, gsize n);
/* The file @path goes to the board as @name; fails the test on any error. */
void agent_case_put (EngLink *link, const char *path, const char *name, gboolean program);

G_END_DECLS
