/* Texts to predict, by domain: the bundled ones, a file, or a folder with one file per domain. And
 * sets of multiple-choice questions. Both as bytes: tokens are the model's. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ENG_BUNDLED_TEXTS "bundled:texts"
#define ENG_BUNDLED_QUESTIONS "bundled:questions"
#define ENG_BUNDLED_CALIBRATION "bundled:calibration" /* nothing of it is in ENG_BUNDLED_TEXTS */

typedef struct
{
  char *domain; /* "prose"; of a user's text its file's name without the ending */
  char *what;   /* author, title, year; NULL: not said */
  GBytes *text;
} EngText;

typedef struct
{
  char *domain; /* "" where the set has none */
  char *question;
  GStrv choices; /* at least two */
  guint answer;
} EngQuestion;

typedef struct
{
  char *title;
  GPtrArray *texts;     /* EngText, or empty */
  GPtrArray *questions; /* EngQuestion, or empty */
} EngTextSet;

/* @path: ENG_BUNDLED_TEXTS, ENG_BUNDLED_CALIBRATION, ENG_BUNDLED_QUESTIONS, a text file, a folder
 * of *.txt files, or a JSON file
 *   { "lathe-questions": 1, "title": "...", "questions": [
 *     { "domain": "...", "question": "...", "choices": ["...", "..."], "answer": 0 }, ... ] }
 * where an answer follows its question after one space, and "domain" may be absent. Blocking. */
EngTextSet *eng_text_set_load (const char *path, GError **error);
/* @path in words: "the bundled texts", else the name of the file or folder. Newly allocated. */
char *eng_data_dup_title (const char *path);
void eng_text_set_free (EngTextSet *set); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTextSet, eng_text_set_free)

G_END_DECLS
