#ifndef BATON_CCRYPTO_SHIM_H
#define BATON_CCRYPTO_SHIM_H

#include <openssl/evp.h>

#endif
