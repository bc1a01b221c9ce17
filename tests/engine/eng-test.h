/* What the engine's test programs share: where models are, builds of them, and a directory that
 * goes away. */
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

/* From the JSON of "techniques" alone: "{\"weight-format\": {...}}". */
EngRecipe *eng_test_recipe (const char *techniques);
EngBuild *eng_test_build (EngModel *model, const char *techniques, EngBuild *reuse);

/* Feed token numbers from an empty cache and copy the logits after the last. */
float *eng_test_logits (EngBuild *build, const gint32 *tokens, guint n);

/* A new empty directory; eng_test_remove() empties and removes it. */
char *eng_test_directory (void);
void eng_test_remove (char *directory);
