/* The table of kernel times: what follows from it for work that was not measured, by hand from
 * times that are made up; and that the file gives back what it was given. */
#include <math.h>

#include <sqlite3.h>

#include "eng-error.h"
#include "eng-kernel-rounds.h"
#include "eng-kernel-times.h"
#include "eng-test.h"

#define Q4 "matmul Q4_0 int8|f32[N,64]|Q4_0[64,64]|>f32[N,64]"
#define Q4_WIDE "matmul Q4_0 int8|f32[N,64]|Q4_0[128,64]|>f32[N,128]"
#define Q8 "matmul Q8_0 int8|f32[N,64]|Q8_0[64,64]|>f32[N,64]"
#define NORM "rmsnorm f32 f32|f32[N,64]|F32[64]|>f32[N,64]"

/* 1 GB/s, 1 Gop/s float and 2 Gop/s int8: a byte takes a nanosecond, a float operation too. */
static const EngRoof roof
    = { .n_threads = 1, .read_bytes_per_s = 1e9, .f32_flops = 1e9, .int8_ops = 2e9 };

static EngKernelTime
measured (const char *signature, guint64 flops, guint64 weight_bytes, double ns)
{
  return (EngKernelTime){ .signature = g_intern_string (signature),
                          .cost = { .flops = flops, .weight_bytes = weight_bytes },
                          .is_cold = TRUE,
                          .median_ns = ns,
                          .low_ns = ns * 0.9,
                          .high_ns = ns * 1.1,
                          .n = 20,
                          .time = 1000,
                          .source = ENG_KERNEL_BENCH };
}

static EngExpected
predict (EngKernelTable *table, const char *signature, guint64 flops, guint64 weight_bytes)
{
  EngExpected expected;
  RtCost cost = { .flops = flops, .weight_bytes = weight_bytes };
  eng_kernel_table_predict (table, signature, &cost, TRUE, &expected);
  return expected;
}

#define close_to(a, b) g_assert_cmpfloat_with_epsilon (a, b, 1e-6 * fabs (b))

static void
test_hit (void)
{
  EngKernelTime times[] = { measured (Q4, 1000, 500, 700), measured (Q4, 8000, 500, 4100) };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 2, &roof, 0);
  EngExpected got = predict (table, Q4, 8000, 500);

  g_assert_cmpint (got.basis, ==, ENG_BASIS_TABLE);
  g_assert_cmpint (got.source, ==, ENG_KERNEL_BENCH);
  g_assert_cmpfloat (got.ns, ==, 4100);
  g_assert_cmpuint (eng_kernel_table_get_n (table), ==, 2);
}

/* Between two: operations and bytes are 1500 and 8500, asked for are 4500: 3/7 of the way. Beyond:
 * start is 700, the least that was measured, and roof times are 4000 and 8000. */
static void
test_same_signature (void)
{
  EngKernelTime times[] = { measured (Q4, 1000, 500, 700), measured (Q4, 8000, 500, 4100) };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 2, &roof, 0);
  EngExpected got = predict (table, Q4, 4000, 500);

  g_assert_cmpint (got.basis, ==, ENG_BASIS_NEIGHBOUR);
  close_to (got.ns, 700 + 3.0 / 7 * 3400);

  got = predict (table, Q4, 16000, 500);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_NEIGHBOUR);
  close_to (got.ns, 700 + (4100.0 - 700) * 8000 / 4000);

  /* Without roofs: operations and bytes together. */
  g_autoptr (EngKernelTable) blind = eng_kernel_table_new (times, 2, NULL, 0);
  got = predict (blind, Q4, 4000, 500);
  close_to (got.ns, 700 + (4500.0 - 1500) / 7000 * 3400);
}

/* Another shape of the same operator and format: twice the roof time, and the start taken off. */
static void
test_neighbour (void)
{
  EngKernelTime times[] = { measured (NORM, 64, 256, 100), measured (Q4, 8000, 500, 4100) };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 2, &roof, 0);
  EngExpected got = predict (table, Q4_WIDE, 16000, 1000);

  g_assert_cmpint (got.basis, ==, ENG_BASIS_NEIGHBOUR);
  close_to (got.ns, 100 + 4000.0 * 8000 / 4000);

  /* Another format: bytes decide, 1000 ns instead of 500. */
  EngKernelTime decode[] = { measured (NORM, 64, 256, 100), measured (Q4, 800, 500, 600) };
  g_autoptr (EngKernelTable) other = eng_kernel_table_new (decode, 2, &roof, 0);
  got = predict (other, Q8, 800, 1000);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_NEIGHBOUR);
  close_to (got.ns, 100 + 500.0 * 1000 / 500);

  /* The nearer of two neighbours. */
  EngKernelTime two[] = { measured (NORM, 64, 256, 100), measured (Q4, 800, 500, 600),
                          measured (Q4, 80000, 50000, 90000) };
  g_autoptr (EngKernelTable) both = eng_kernel_table_new (two, 3, &roof, 0);
  got = predict (both, Q4_WIDE, 1600, 1000);
  close_to (got.ns, 100 + 500.0 * 1000 / 500);
}

/* Too far for a neighbour: the roof over what the operator reaches of it (4000 of 5000 ns: 80
 * %). */
static void
test_roof (void)
{
  EngKernelTime times[] = { measured (Q4, 8000, 500, 5000) };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 1, &roof, 0);
  EngExpected got = predict (table, Q4_WIDE, 800000, 500);

  g_assert_cmpint (got.basis, ==, ENG_BASIS_ROOF);
  close_to (got.ns, 400000 / 0.8);

  /* Two of them: 4000 + 500 of 5000 + 1000 ns. Large ones decide. */
  EngKernelTime two[] = { measured (Q4, 8000, 500, 5000), measured (Q4, 1000, 500, 1000) };
  g_autoptr (EngKernelTable) larger = eng_kernel_table_new (two, 2, &roof, 0);
  got = predict (larger, Q4_WIDE, 800000, 500);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_ROOF);
  close_to (got.ns, 400000 / 0.75);

  /* An operator of which nothing is known: what all operators reach. */
  got = predict (table, NORM, 6400, 2560);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_ROOF);
  close_to (got.ns, 6400 / 0.8);
}

static void
test_absent (void)
{
  g_autoptr (EngKernelTable) empty = eng_kernel_table_new (NULL, 0, &roof, 0);
  EngExpected got = predict (empty, Q4, 8000, 500);

  g_assert_cmpint (got.basis, ==, ENG_BASIS_NONE);
  g_assert_true (isnan (got.ns));
  g_assert_nonnull (strstr (got.reason, "nothing has been measured"));

  /* Another operator helps only where there are roofs to compare them by. */
  EngKernelTime times[] = { measured (Q4, 8000, 500, 5000) };
  g_autoptr (EngKernelTable) blind = eng_kernel_table_new (times, 1, NULL, 0);
  got = predict (blind, NORM, 640, 256);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_NONE);
  g_assert_nonnull (strstr (got.reason, "roofs are not known"));
  got = predict (blind, Q8, 8000, 1000);
  g_assert_cmpint (got.basis, ==, ENG_BASIS_NONE);
}

/* More work never takes less time. */
static void
test_monotonic (void)
{
  EngKernelTime times[] = { measured (Q4, 1000, 500, 700), measured (Q4, 8000, 500, 4100),
                            measured (NORM, 64, 256, 100) };
  const EngRoof *roofs[] = { &roof, NULL };

  for (guint r = 0; r < G_N_ELEMENTS (roofs); r++)
    {
      g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 3, roofs[r], 0);
      double before = 0;
      for (guint64 flops = 250; flops < 64000; flops += 250)
        {
          EngExpected got = predict (table, Q4, flops, 500);
          g_assert_cmpfloat (got.ns, >=, before);
          before = got.ns;
        }
    }
}

/* Never scaled: the same work, or between two that differ in the bytes of their weights alone. */
static void
test_find (void)
{
  EngKernelTime times[] = { measured (Q4, 1000, 400, 700), measured (Q4, 1000, 800, 1100),
                            measured (Q4, 8000, 600, 4100) };
  EngKernelTime got;
  gboolean is_exact;
  RtCost cost = { .flops = 1000, .weight_bytes = 800 };

  times[2].cost.read_bytes = 64; /* more tokens */
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (times, 3, &roof, 0);
  g_assert_true (eng_kernel_table_find (table, Q4, &cost, TRUE, &got, &is_exact));
  g_assert_true (is_exact);
  g_assert_cmpfloat (got.median_ns, ==, 1100);

  cost.weight_bytes = 500; /* a quarter of the way */
  g_assert_true (eng_kernel_table_find (table, Q4, &cost, TRUE, &got, &is_exact));
  g_assert_false (is_exact);
  close_to (got.median_ns, 800.0);
  close_to (got.low_ns, 0.9 * 800);
  close_to (got.high_ns, 1.1 * 800);

  g_assert_false (eng_kernel_table_find (table, Q4, &cost, FALSE, &got, &is_exact));
  cost.weight_bytes = 900;
  g_assert_false (eng_kernel_table_find (table, Q4, &cost, TRUE, &got, &is_exact));
  cost = (RtCost){ .flops = 1000, .weight_bytes = 600, .read_bytes = 64 };
  g_assert_false (eng_kernel_table_find (table, Q4, &cost, TRUE, &got, &is_exact));
  g_assert_false (eng_kernel_table_find (table, Q8, &cost, TRUE, &got, &is_exact));
}

/* The least median; the interval reaches over the next least. */
static void
test_rounds (void)
{
  EngKernelTime rounds[]
      = { measured (Q4, 1, 1, 150), measured (Q4, 1, 1, 100), measured (Q4, 1, 1, 112) };

  EngKernelTime one = eng_kernel_rounds_join (rounds, 1);
  g_assert_cmpfloat (one.median_ns, ==, 150);
  g_assert_false (eng_kernel_rounds_agree (rounds, 2));
  EngKernelTime two = eng_kernel_rounds_join (rounds, 2);
  g_assert_cmpfloat (two.median_ns, ==, 100);
  close_to (two.low_ns, 0.9 * 100);
  close_to (two.high_ns, 1.1 * 150);
  g_assert_false (eng_kernel_rounds_agree (rounds, 3));
  rounds[2].median_ns = 109;
  g_assert_true (eng_kernel_rounds_agree (rounds, 3));
  EngKernelTime three = eng_kernel_rounds_join (rounds, 3);
  g_assert_cmpfloat (three.median_ns, ==, 100);
  close_to (three.high_ns, 1.1 * 112);

  rounds[2].low_ns = NAN;
  g_assert_true (isnan (eng_kernel_rounds_join (rounds, 3).high_ns));
}

static void
test_cold (void)
{
  g_assert_true (eng_kernel_is_cold (100, 0));
  g_assert_true (eng_kernel_is_cold (100, 99));
  g_assert_false (eng_kernel_is_cold (100, 100));
}

/* ---- The file ---- */

static EngKernelTimes *
open_times (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "times.db", NULL);
  g_autoptr (GError) error = NULL;
  EngKernelTimes *times = eng_kernel_times_open (path, &error);
  g_assert_no_error (error);
  return times;
}

static void
test_round_trip (void)
{
  char *directory = eng_test_directory ();
  EngKernelTime in[] = { measured (Q4, 1000, 500, 700), measured (NORM, 64, 256, 100) };
  g_autoptr (GError) error = NULL;

  in[1].low_ns = in[1].high_ns = NAN;
  in[1].source = ENG_KERNEL_RUN;
  {
    g_autoptr (EngKernelTimes) times = open_times (directory);
    guint before = eng_kernel_times_get_generation (times);
    g_assert_true (eng_kernel_times_add (times, "here", in, 2, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (eng_kernel_times_get_generation (times), !=, before);
    g_assert_true (eng_kernel_times_add (times, "elsewhere", in, 1, &error));

    /* The same source replaces; another one stands beside it. */
    in[1].source = ENG_KERNEL_BENCH;
    in[1].median_ns = 1;
    in[0].median_ns = 800;
    g_assert_true (eng_kernel_times_add (times, "here", in, 2, &error));
  }
  g_autoptr (EngKernelTimes) times = open_times (directory);
  g_autoptr (EngKernelTable) table = eng_kernel_times_load (times, "here", &roof, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_kernel_table_get_n (table), ==, 2);
  const EngKernelTime *q4 = eng_kernel_table_get (table, 0),
                      *norm = eng_kernel_table_get (table, 1);
  g_assert_cmpstr (q4->signature, ==, Q4);
  g_assert_cmpfloat (q4->median_ns, ==, 800);
  g_assert_cmpfloat (q4->low_ns, ==, 630);
  g_assert_cmpuint (q4->cost.flops, ==, 1000);
  g_assert_cmpuint (q4->cost.weight_bytes, ==, 500);
  g_assert_cmpuint (q4->n, ==, 20);
  g_assert_cmpint (q4->time, ==, 1000);
  g_assert_true (q4->is_cold);
  g_assert_cmpstr (norm->signature, ==, NORM);
  g_assert_cmpfloat (norm->median_ns, ==, 100);
  g_assert_true (isnan (norm->low_ns));
  g_assert_cmpint (norm->source, ==, ENG_KERNEL_RUN); /* the best one */

  g_autoptr (EngKernelTable) runs
      = eng_kernel_times_load_source (times, "here", ENG_KERNEL_RUN, &error);
  g_autoptr (EngKernelTable) alone
      = eng_kernel_times_load_source (times, "here", ENG_KERNEL_BENCH, &error);
  g_autoptr (EngKernelTable) disturbed
      = eng_kernel_times_load_source (times, "here", ENG_KERNEL_DEGRADED, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_kernel_table_get_n (runs), ==, 1);
  g_assert_cmpfloat (eng_kernel_table_get (runs, 0)->median_ns, ==, 100);
  g_assert_cmpuint (eng_kernel_table_get_n (alone), ==, 2);
  g_assert_cmpfloat (eng_kernel_table_get (alone, 0)->median_ns, ==, 800);
  g_assert_cmpfloat (eng_kernel_table_get (alone, 1)->median_ns, ==, 1);
  g_assert_cmpint (eng_kernel_table_get (alone, 1)->source, ==, ENG_KERNEL_BENCH);
  g_assert_cmpuint (eng_kernel_table_get_n (disturbed), ==, 0);

  g_autoptr (EngKernelTable) none = eng_kernel_times_load (times, "nowhere", NULL, 0, &error);
  g_assert_cmpuint (eng_kernel_table_get_n (none), ==, 0);
  eng_test_remove (directory);
}

static void
test_errors (void)
{
  char *directory = eng_test_directory ();
  g_autoptr (EngKernelTimes) times = open_times (directory);
  EngKernelError kept = { .run_id = (char *)"a",
                          .model = (char *)"m",
                          .phase = RT_PHASE_DECODE,
                          .basis = ENG_BASIS_NEIGHBOUR,
                          .predicted_ns = 90,
                          .nodes_ns = 100,
                          .wall_ns = NAN,
                          .layer_error = 0.25,
                          .time = 5 };
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_kernel_times_add_error (times, "here", &kept, &error));
  kept.run_id = (char *)"b";
  kept.time = 6;
  kept.is_known = kept.is_valid = TRUE;
  kept.predicted_ns = NAN;
  kept.wall_ns = 120;
  g_assert_true (eng_kernel_times_add_error (times, "here", &kept, &error));
  kept.phase = RT_PHASE_PREFILL;
  g_assert_true (eng_kernel_times_add_error (times, "here", &kept, &error));
  g_assert_no_error (error);

  g_autoptr (GArray) all = eng_kernel_times_list_errors (times, "here", -1, 10, &error);
  g_assert_cmpuint (all->len, ==, 3);
  g_autoptr (GArray) decode
      = eng_kernel_times_list_errors (times, "here", RT_PHASE_DECODE, 10, &error);
  g_assert_cmpuint (decode->len, ==, 2);
  const EngKernelError *newest = &g_array_index (decode, EngKernelError, 0),
                       *older = &g_array_index (decode, EngKernelError, 1);
  g_assert_cmpstr (newest->run_id, ==, "b");
  g_assert_true (newest->is_known && isnan (newest->predicted_ns));
  g_assert_cmpfloat (newest->wall_ns, ==, 120);
  g_assert_true (newest->is_known && newest->is_valid && !older->is_valid);
  g_assert_cmpstr (older->run_id, ==, "a");
  g_assert_cmpfloat (older->predicted_ns, ==, 90);
  g_assert_true (isnan (older->wall_ns) && !older->is_known);
  g_assert_cmpfloat (older->layer_error, ==, 0.25);
  g_assert_cmpint (older->basis, ==, ENG_BASIS_NEIGHBOUR);
  eng_test_remove (directory);
}

/* A file of the first schema, whose key lacked the source: its times stay, and new ones stand
 * beside them. */
static void
test_first_schema (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "times.db", NULL);
  g_autoptr (GError) error = NULL;
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_exec (
          db,
          "CREATE TABLE kernel_times (device TEXT NOT NULL, signature TEXT NOT NULL,"
          " flops INTEGER NOT NULL, weight_bytes INTEGER NOT NULL, read_bytes INTEGER NOT NULL,"
          " write_bytes INTEGER NOT NULL, is_cold INTEGER NOT NULL, median_ns REAL NOT NULL,"
          " low_ns REAL, high_ns REAL, n INTEGER NOT NULL, time INTEGER NOT NULL,"
          " source INTEGER NOT NULL, PRIMARY KEY (device, signature, flops, weight_bytes,"
          " read_bytes, write_bytes, is_cold)) WITHOUT ROWID;"
          "CREATE TABLE estimate_errors (run_id TEXT NOT NULL, phase INTEGER NOT NULL,"
          " device TEXT NOT NULL, model TEXT NOT NULL, basis INTEGER NOT NULL,"
          " is_known INTEGER NOT NULL, is_valid INTEGER NOT NULL, predicted_ns REAL,"
          " nodes_ns REAL NOT NULL, wall_ns REAL, layer_error REAL, time INTEGER NOT NULL,"
          " PRIMARY KEY (run_id, phase)) WITHOUT ROWID;"
          "INSERT INTO kernel_times VALUES ('here', '" Q4 "', 1000, 500, 0, 0, 1, 650.0, NULL,"
          " NULL, 7, 3, 2);"
          "INSERT INTO estimate_errors VALUES ('a', 1, 'here', 'm', 0, 1, 1, 5.0, 6.0, 7.0, 0.5, "
          "3);"
          "PRAGMA user_version = 1;",
          NULL, NULL, NULL),
      ==, SQLITE_OK);
  sqlite3_close (db);

  g_autoptr (EngKernelTimes) times = open_times (directory);
  EngKernelTime alone = measured (Q4, 1000, 500, 300);
  g_assert_true (eng_kernel_times_add (times, "here", &alone, 1, &error));
  g_assert_no_error (error);
  g_autoptr (EngKernelTable) best = eng_kernel_times_load (times, "here", NULL, 0, &error);
  g_autoptr (EngKernelTable) bench
      = eng_kernel_times_load_source (times, "here", ENG_KERNEL_BENCH, &error);
  g_autoptr (GArray) errors = eng_kernel_times_list_errors (times, "here", -1, 10, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_kernel_table_get_n (best), ==, 1);
  g_assert_cmpfloat (eng_kernel_table_get (best, 0)->median_ns, ==, 650);
  g_assert_cmpint (eng_kernel_table_get (best, 0)->source, ==, ENG_KERNEL_RUN);
  g_assert_cmpuint (eng_kernel_table_get_n (bench), ==, 1);
  g_assert_cmpfloat (eng_kernel_table_get (bench, 0)->median_ns, ==, 300);
  g_assert_cmpuint (errors->len, ==, 1);
  eng_test_remove (directory);
}

static void
test_damaged (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "times.db", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      g_file_set_contents (path, "this is not a database, whatever its name says", -1, NULL));
  g_assert_null (eng_kernel_times_open (path, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "Delete the file"));
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernel-times/hit", test_hit);
  g_test_add_func ("/kernel-times/same-signature", test_same_signature);
  g_test_add_func ("/kernel-times/neighbour", test_neighbour);
  g_test_add_func ("/kernel-times/roof", test_roof);
  g_test_add_func ("/kernel-times/absent", test_absent);
  g_test_add_func ("/kernel-times/monotonic", test_monotonic);
  g_test_add_func ("/kernel-times/find", test_find);
  g_test_add_func ("/kernel-times/rounds", test_rounds);
  g_test_add_func ("/kernel-times/cold", test_cold);
  g_test_add_func ("/kernel-times/round-trip", test_round_trip);
  g_test_add_func ("/kernel-times/errors", test_errors);
  g_test_add_func ("/kernel-times/first-schema", test_first_schema);
  g_test_add_func ("/kernel-times/damaged", test_damaged);
  return g_test_run ();
}
