/* The exceptions of a technique's parameter: rules by name pattern, those of single layers among
 * them.
 */
#pragma once

#include <adwaita.h>

#include "eng-session.h"
#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_EXCEPTIONS (app_exceptions_get_type ())
G_DECLARE_FINAL_TYPE (AppExceptions, app_exceptions, APP, EXCEPTIONS, AdwExpanderRow)

/* @param is one of @technique's with per_layer set. Follows the session's recipe. */
GtkWidget *app_exceptions_new (const EngTechnique *technique, const EngParam *param,
                               EngSession *session);

G_END_DECLS
