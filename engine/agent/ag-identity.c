/* The board's key and certificate. GLib's GTlsCertificate reads such files but cannot make them, so
 * GnuTLS, on which it rests, is asked directly: a P-256 key and a certificate signed with it.
 * Nobody vouches for it; the studio keeps its fingerprint from pairing. Called by ag-main.c. */
#include "ag-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", what, gnutls_strerror (code));
  return FALSE;
}

/* Complete or not at all; nobody else may read it from its first byte on. */
static gboolean
write_private (const char *path, const gnutls_datum_t *bytes, GError **error)
{
  g_autofree char *aside = g_strconcat (path, ".new", NULL);
  int fd = -1;
  gboolean written = FALSE;

  g_unlink (aside);
  fd = open (aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0)
    written = write (fd, bytes->data, bytes->size) == (ssize_t)bytes->size && fsync (fd) == 0;
  if (fd >= 0 && close (fd) < 0)
    written = FALSE;
  if (written && g_rename (aside, path) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s cannot be written: %s", path,
               g_strerror (errno));
  g_unlink (aside);
  return FALSE;
}

static int
describe (gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
  static const char name[] = "lathe-agent";
  guint8 serial[16];
  time_t now = time (NULL);
  int code = gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial);

  serial[0] = (guint8)((serial[0] & 0x7f) | 1); /* positive, and not zero */
  if (code >= 0)
    code = gnutls_x509_crt_set_version (certificate, 3);
  if (code >= 0)
    code = gnutls_x509_crt_set_serial (certificate, serial, sizeof serial);
  /* A board may wake without knowing the year; the pinned fingerprint is what counts. */
  if (code >= 0)
    code = gnutls_x509_crt_set_activation_time (certificate, MIN (now, (time_t)1577836800));
  if (code >= 0)
    code = gnutls_x509_crt_set_expiration_time (certificate, (time_t)4102444800); /* 2100 */
  if (code >= 0)
    code = gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                          strlen (name));
  if (code >= 0)
    code = gnutls_x509_crt_set_key (certificate, key);
  if (code >= 0)
    code = gnutls_x509_crt_set_basic_constraints (certificate, 0, -1);
  if (code >= 0)
    code = gnutls_x509_crt_set_key_usage (certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
  if (code >= 0)
    code = gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
  if (code >= 0)
    code = gnutls_x509_crt_sign2 (certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
  return code;
}

static gboolean
make_files (const char *certificate_path, const char *key_path, GError **error)
{
  gnutls_x509_privkey_t key = NULL;
  gnutls_x509_crt_t certificate = NULL;
  gnutls_datum_t key_text = { 0 }, certificate_text = { 0 };
  gboolean made = FALSE;
  int code = gnutls_x509_privkey_init (&key);

  if (code >= 0)
    code = gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  if (code >= 0)
    code = gnutls_x509_crt_init (&certificate);
  if (code >= 0)
    code = describe (certificate, key);
  if (code >= 0)
    code = gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                              &key_text);
  if (code >= 0)
    code = gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &certificate_text);
  if (code < 0)
    fail (error, "A key and certificate could not be made", code);
  else
    made = write_private (key_path, &key_text, error)
           && write_private (certificate_path, &certificate_text, error);
  if (key_text.data)
    gnutls_memset (key_text.data, 0, key_text.size);
  gnutls_free (key_text.data);
  gnutls_free (certificate_text.data);
  gnutls_x509_crt_deinit (certificate);
  gnutls_x509_privkey_deinit (key);
  return made;
}

static gboolean
read_fingerprint (AgIdentity *identity, const char *path, GError **error)
{
  gnutls_x509_crt_t certificate = NULL;
  gnutls_datum_t text = { 0 };
  size_t n = sizeof identity->fingerprint;
  int code = gnutls_load_file (path, &text);

  if (code >= 0)
    code = gnutls_x509_crt_init (&certificate);
  if (code >= 0)
    code = gnutls_x509_crt_import (certificate, &text, GNUTLS_X509_FMT_PEM);
  if (code >= 0)
    code = gnutls_x509_crt_get_fingerprint (certificate, GNUTLS_DIG_SHA256, identity->fingerprint,
                                            &n);
  gnutls_free (text.data);
  gnutls_x509_crt_deinit (certificate);
  return code >= 0 ? TRUE : fail (error, path, code);
}

/* Only its owner may read the key. */
static gboolean
check_mode (const char *path, GError **error)
{
  GStatBuf info;

  if (g_stat (path, &info) == 0 && (info.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
               "%s can be read by others than its owner; if it may have been read, remove it and "
               "certificate.pem beside it and pair again, else: chmod 600 %s",
               path, path);
  return FALSE;
}

AgIdentity *
ag_identity_load (const char *folder, GError **error)
{
  g_autofree char *certificate = g_build_filename (folder, "certificate.pem", NULL);
  g_autofree char *key = g_build_filename (folder, "key.pem", NULL);
  gboolean have_certificate = g_file_test (certificate, G_FILE_TEST_EXISTS);
  gboolean have_key = g_file_test (key, G_FILE_TEST_EXISTS);
  g_autoptr (AgIdentity) identity = g_new0 (AgIdentity, 1);
  int code;

  /* The key is written first: alone it is what a start that was interrupted leaves. */
  if (!have_certificate && !make_files (certificate, key, error))
    return NULL;
  if (have_certificate && !have_key)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
          "%s is there and %s is not: bring it back, or remove the certificate too and pair "
          "again",
          certificate, key);
      return NULL;
    }
  if (!check_mode (key, error) || !read_fingerprint (identity, certificate, error))
    return NULL;
  code = gnutls_certificate_allocate_credentials (&identity->credentials);
  if (code >= 0)
    code = gnutls_certificate_set_x509_key_file (identity->credentials, certificate, key,
                                                 GNUTLS_X509_FMT_PEM);
  if (code < 0)
    {
      fail (error, key, code);
      return NULL;
    }
  return g_steal_pointer (&identity);
}

void
ag_identity_free (AgIdentity *identity)
{
  if (!identity)
    return;
  if (identity->credentials)
    gnutls_certificate_free_credentials (identity->credentials);
  g_free (identity);
}
