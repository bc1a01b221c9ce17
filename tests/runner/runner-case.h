/* What the runner's test programs share. They run $LATHE_RUNNER_PROGRAM, under
 * $LATHE_RUNNER_EMULATOR where that is set (a board of another kind). */
#pragma once

#include <json-glib/json-glib.h>

/* Tokens of the prompt of case_write_text_work(): eng_test_fill_tokens(). */
#define CASE_N_PROMPT 23

/* A build and a work in a directory of their own. */
typedef struct
{
  char *directory, *build, *work;
} CaseFiles;

void case_files_init (CaseFiles *files);
void case_files_clear (CaseFiles *files);
/* The default model as it is, @n_decode tokens, repeats for @budget_s. */
void case_make_default (CaseFiles *files, double budget_s, guint n_decode);
void case_write_text_work (const char *path, double budget_s, guint n_decode);
/* The same, which ends where the 95 % interval is so narrow. */
void case_write_narrow_work (const char *path, double budget_s, double interval, guint n_decode);
void case_write_bytes (const char *path, const char *bytes, gsize n);

gboolean case_is_emulated (void);
/* A command line of the runner, NULL-terminated; its arguments are static or outlive it. */
GPtrArray *case_command (const char *first, ...) G_GNUC_NULL_TERMINATED;
/* The lines (JsonObject) of a run that ends by itself; takes @command. It must not crash. */
GPtrArray *case_run (GPtrArray *command, int *status);
/* Every line is an object that begins as all do; numbers grow by one. */
GPtrArray *case_parse (const char *text);

gboolean case_is_kind (JsonObject *line, const char *kind);
guint case_count (GPtrArray *lines, const char *kind);
JsonObject *case_find (GPtrArray *lines, const char *kind); /* the first; NULL: none */
void case_check_end (GPtrArray *lines, const char *status);
/* The run fails with an error of @code whose message has @word. Takes @command. */
void case_check_error (GPtrArray *command, const char *code, const char *word);

typedef struct
{
  GPid pid;
  int out; /* standard output */
} CaseChild;

void case_child_start (CaseChild *child, GPtrArray *command); /* takes @command */
/* Until it has told a line of @kind; what came is appended. */
void case_wait_for_line (CaseChild *child, GString *text, const char *kind);
char *case_child_read (CaseChild *child); /* all that comes until the end */
int case_child_wait (CaseChild *child);   /* its exit status; it must not crash */

/* Whether the program is there; else the tests skip, and TAP says so. */
gboolean case_is_built (void);
