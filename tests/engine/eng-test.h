/* What the engine's test programs share: where models are, builds of them, what every technique
 * has to show, and directories that go away. */
#pragma once

#include "eng-build.h"
#include "eng-run.h"

/* The committed model: our own small Llama, F16. */
char *eng_test_default_model (void);

/* A file of the test data beside the repository; NULL after marking the test as skipped with the
 * reason. */
char *eng_test_data_or_skip (const char *name);

/* stories260K-f32.gguf from the test data beside the repository; NULL after marking the test as
 * skipped with the reason. */
char *eng_test_stories_or_skip (void);

EngModel *eng_test_load (const char *path);
EngModel *eng_test_load_default (void);

/* From the JSON of "techniques" alone: "{\"weight-format\": {...}}". */
EngRecipe *eng_test_recipe (const char *techniques);
EngBuild *eng_test_build (EngModel *model, const char *techniques, EngBuild *reuse);

/* g_test_add_func() for a test of how good results are: long work on code that other tests go
 * through as well. Left out where AddressSanitizer watches. */
void eng_test_add_judgement (const char *path, GTestFunc test);

/* --- numbers of a build --- */

/* Feed token numbers from an empty cache and copy the logits after the last. */
float *eng_test_logits (EngBuild *build, const gint32 *tokens, guint n);

/* Save @build at @path and open that file again, with the recipe that is left for it. */
EngBuild *eng_test_save_and_open (EngBuild *build, const char *path);

/* @n token numbers below 400, always the same: no text, but no repetition either. */
void eng_test_fill_tokens (gint32 *tokens, guint n);

/* Root mean square of the difference of two rows of @n numbers over that of @exact. */
double eng_test_relative_error (const float *got, const float *exact, guint n);

/* Perplexity of a build of @model on the first @n_tokens of the bundled texts. */
double eng_test_perplexity (EngModel *model, const char *techniques, guint n_tokens);

/* --- what every technique has to show --- */

/* @recipe as JSON and read again, which must give an equal one. Returns that. */
EngRecipe *eng_test_round_trip (EngRecipe *recipe);

/* Two builds of @techniques have the same hash, one of @others has another. */
void eng_test_check_hashes (EngModel *model, const char *techniques, const char *others);

/* The technique does not apply to the network in @file of the test data, and says @why, word for
 * word. Without the file the test is marked as skipped. */
void eng_test_check_refusal (const char *technique, const char *file, const char *why);

/* --- directories --- */

/* A new empty directory; eng_test_remove() removes it with all that is in it. Links are removed,
 * not followed. */
char *eng_test_directory (void);
void eng_test_remove (char *directory);

/* Call before g_test_init(): the program keeps statistics, times and roofs in a new directory,
 * which goes when the program ends, and neither finds nor changes the user's. */
void eng_test_use_own_cache (void);
