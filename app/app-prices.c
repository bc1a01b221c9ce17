/* Asking for price lists off the main thread. Called by the price view; all figures are the
 * engine's. */
#include "app-prices.h"

#include <math.h>

/* Seconds for kernels that were never timed here: a bit for each precision. */
#define BENCH_S 20

struct _AppPrices
{
  GObject parent_instance;

  EngHistory *history;
  EngModel *model;
  EngRecipe *recipe;
  EngEstimator *estimator;
  EngPrices *prices;
  char *why_not;
  gboolean measuring;
  guint asked; /* questions so far: answers to older ones are dropped */

  EngBudgetKind kind;
  double budget; /* NAN: none yet */
  gboolean exact;
  guint bought; /* purchases asked for so far */
  EngPurchase *purchase;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppPrices, app_prices, G_TYPE_OBJECT)

static void
app_prices_finalize (GObject *object)
{
  AppPrices *self = APP_PRICES (object);

  g_clear_object (&self->history);
  g_clear_object (&self->model);
  g_clear_object (&self->estimator);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_pointer (&self->prices, eng_prices_unref);
  g_clear_pointer (&self->purchase, eng_purchase_free);
  g_free (self->why_not);
  G_OBJECT_CLASS (app_prices_parent_class)->finalize (object);
}

static void
app_prices_class_init (AppPricesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_prices_finalize;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_prices_init (AppPrices *self)
{
  self->budget = NAN;
}

AppPrices *
app_prices_new (EngHistory *history)
{
  AppPrices *self = g_object_new (APP_TYPE_PRICES, NULL);

  g_set_object (&self->history, history);
  return self;
}

static void
emit_changed (AppPrices *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* ---- Buying ---- */

typedef struct
{
  EngPrices *prices;
  EngBudgetKind kind;
  double budget;
  guint number;
} Purchase;

static void
purchase_free (gpointer data)
{
  eng_prices_unref (((Purchase *)data)->prices);
  g_free (data);
}

static void
buy_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Purchase *asked = data;
  GError *error = NULL;
  EngPurchase *purchase = eng_prices_buy (asked->prices, asked->kind, asked->budget, TRUE, &error);

  if (purchase == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, purchase, (GDestroyNotify)eng_purchase_free);
}

static void
on_bought (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPrices *self = APP_PRICES (source);
  Purchase *asked = g_task_get_task_data (G_TASK (result));
  EngPurchase *purchase = g_task_propagate_pointer (G_TASK (result), NULL);

  if (asked->number != self->bought)
    {
      eng_purchase_free (purchase);
      return;
    }
  g_clear_pointer (&self->purchase, eng_purchase_free);
  self->purchase = purchase;
  emit_changed (self);
}

static void
buy (AppPrices *self)
{
  self->bought++;
  if (self->prices == NULL || isnan (self->budget))
    {
      g_clear_pointer (&self->purchase, eng_purchase_free);
      return;
    }
  if (!self->exact)
    {
      g_clear_pointer (&self->purchase, eng_purchase_free);
      self->purchase = eng_prices_buy (self->prices, self->kind, self->budget, FALSE, NULL);
      return;
    }
  g_autoptr (GTask) task = g_task_new (self, NULL, on_bought, NULL);
  Purchase *asked = g_new0 (Purchase, 1);
  asked->prices = eng_prices_ref (self->prices);
  asked->kind = self->kind;
  asked->budget = self->budget;
  asked->number = self->bought;
  g_task_set_source_tag (task, buy);
  g_task_set_task_data (task, asked, purchase_free);
  g_task_run_in_thread (task, buy_thread);
}

void
app_prices_set_budget (AppPrices *self, EngBudgetKind kind, double budget, gboolean exact)
{
  g_return_if_fail (APP_IS_PRICES (self));

  self->kind = kind;
  self->budget = budget;
  self->exact = exact;
  buy (self);
  emit_changed (self);
}

EngPurchase *
app_prices_get_purchase (AppPrices *self)
{
  g_return_val_if_fail (APP_IS_PRICES (self), NULL);
  return self->purchase;
}

/* ---- Prices ---- */

typedef struct
{
  EngHistory *history;
  EngModel *model;
  EngRecipe *recipe;
  EngEstimator *estimator;
  char *inputs;
  guint number;
  AppPrices *owner;

  /* Of a measurement. */
  gboolean dependence;
  EngJob *job; /* NULL: only what is known */
  AppPricesDone done;
  gpointer user_data;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->history);
  g_object_unref (work->owner);
  g_object_unref (work->model);
  g_object_unref (work->estimator);
  eng_recipe_unref (work->recipe);
  g_clear_object (&work->job);
  g_free (work->inputs);
  g_free (work);
}

static Work *
work_new (AppPrices *self)
{
  Work *work = g_new0 (Work, 1);

  g_set_object (&work->history, self->history);
  work->model = g_object_ref (self->model);
  work->recipe = eng_recipe_ref (self->recipe);
  work->estimator = g_object_ref (self->estimator);
  work->inputs = eng_recipe_get_string (self->recipe, "int8", "calibration", NULL);
  work->number = self->asked;
  work->owner = g_object_ref (self);
  return work;
}

/* ---- what is there so far ---- */

typedef struct
{
  AppPrices *self;
  EngPrices *so_far;
  guint number;
} HandOver;

static gboolean
hand_over (gpointer data)
{
  HandOver *over = data;
  AppPrices *self = over->self;

  if (over->number == self->asked && self->measuring)
    {
      g_clear_pointer (&self->prices, eng_prices_unref);
      self->prices = eng_prices_ref (over->so_far);
      buy (self);
      emit_changed (self);
    }
  return G_SOURCE_REMOVE;
}

static void
hand_over_free (gpointer data)
{
  HandOver *over = data;

  g_object_unref (over->self);
  eng_prices_unref (over->so_far);
  g_free (over);
}

/* On the worker, once a second at most. */
static void
take_so_far (EngPrices *so_far, gpointer data)
{
  Work *work = data;
  HandOver *over = g_new0 (HandOver, 1);

  over->self = g_object_ref (work->owner);
  over->so_far = eng_prices_ref (so_far);
  over->number = work->number;
  g_idle_add_full (G_PRIORITY_DEFAULT, hand_over, over, hand_over_free);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngPriceConfig config
      = { .inputs = work->inputs != NULL && *work->inputs != '\0' ? work->inputs : NULL,
          .dependence = work->dependence,
          .bench_s = BENCH_S };
  GError *error = NULL;
  EngPrices *prices = work->job == NULL ? eng_prices_load (work->model, work->recipe, &config,
                                                           work->estimator, work->history, &error)
                                        : eng_prices_measure (work->model, work->recipe, &config,
                                                              work->estimator, work->history,
                                                              work->job, take_so_far, work, &error);

  if (prices == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, prices, (GDestroyNotify)eng_prices_unref);
}

static void load (AppPrices *self);

static void
on_worked (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPrices *self = APP_PRICES (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngPrices) prices = g_task_propagate_pointer (G_TASK (result), &error);

  if (work->job != NULL)
    self->measuring = FALSE;
  if (work->number == self->asked && (prices != NULL || work->job == NULL))
    {
      g_clear_pointer (&self->prices, eng_prices_unref);
      g_clear_pointer (&self->why_not, g_free);
      self->prices = g_steal_pointer (&prices);
      self->why_not = error != NULL ? g_strdup (error->message) : NULL;
      buy (self);
    }
  else if (work->job != NULL)
    load (self); /* what was measured before it was stopped is kept */
  emit_changed (self);
  if (work->done != NULL)
    {
      eng_job_finish (work->job);
      work->done (error, work->user_data);
    }
}

static void
start (AppPrices *self, Work *work)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, on_worked, NULL);

  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
}

static void
load (AppPrices *self)
{
  if (self->model != NULL && self->estimator != NULL)
    start (self, work_new (self));
}

void
app_prices_set_subject (AppPrices *self, EngModel *model, EngRecipe *recipe,
                        EngEstimator *estimator)
{
  g_return_if_fail (APP_IS_PRICES (self));

  if (self->model == model && self->estimator == estimator
      && (self->recipe == recipe
          || (self->recipe != NULL && recipe != NULL && eng_recipe_equal (self->recipe, recipe))))
    return;
  if (self->model != model)
    g_clear_pointer (&self->prices, eng_prices_unref);
  g_set_object (&self->model, model);
  g_set_object (&self->estimator, estimator);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  self->recipe = recipe != NULL ? eng_recipe_ref (recipe) : NULL;
  g_clear_pointer (&self->why_not, g_free);
  self->asked++;
  buy (self);
  load (self);
  emit_changed (self);
}

EngPrices *
app_prices_get (AppPrices *self)
{
  g_return_val_if_fail (APP_IS_PRICES (self), NULL);
  return self->prices;
}

const char *
app_prices_get_why_not (AppPrices *self)
{
  g_return_val_if_fail (APP_IS_PRICES (self), NULL);
  return self->why_not;
}

gboolean
app_prices_is_complete (AppPrices *self)
{
  g_return_val_if_fail (APP_IS_PRICES (self), FALSE);

  if (self->prices == NULL)
    return FALSE;
  for (guint r = 0; r < eng_prices_get_n_layers (self->prices); r++)
    for (guint c = 0; c < eng_prices_get_n_choices (self->prices); c++)
      {
        const EngPrice *price = eng_prices_get (self->prices, r, c);
        if (!price->loss.available || !isfinite (price->ns))
          return FALSE;
      }
  return TRUE;
}

gboolean
app_prices_get_measuring (AppPrices *self)
{
  g_return_val_if_fail (APP_IS_PRICES (self), FALSE);
  return self->measuring;
}

void
app_prices_measure (AppPrices *self, gboolean dependence, EngJob *job, AppPricesDone done,
                    gpointer user_data)
{
  g_return_if_fail (APP_IS_PRICES (self) && ENG_IS_JOB (job) && done != NULL);
  g_return_if_fail (!self->measuring && self->model != NULL && self->estimator != NULL);

  Work *work = work_new (self);
  work->dependence = dependence;
  work->job = g_object_ref (job);
  work->done = done;
  work->user_data = user_data;
  self->measuring = TRUE;
  start (self, work);
  emit_changed (self);
}
