// SPDX-License-Identifier: Apache-2.0
// The names of processes that nothing ever changes: process.entity_id.
//
// UUIDv5(boot id, "pid:tick:n"): tick is field 22 of /proc/PID/stat, which the connector's FORK
// tells too, n the ordinal among processes of equal pid and tick. Where no tick is known it is
// "pid:s<serial>" of the first audit record that named the process, or "pid:f<nanoseconds>" of the
// first connector message.
//
// Memory: a value. Threads: none of its own.
#pragma once

#include <memory>
#include <openssl/evp.h>
#include <string_view>

#include <boost/uuid/uuid.hpp>

#include "collector/process/process.hpp"

namespace audisp_eql::collector {

class EntityNamer {
  public:
    // Throws where OpenSSL has no SHA-1.
    EntityNamer();
    // Empty or no UUID: the nil UUID.
    void set_boot_id(std::string_view uuid);
    void clear() { boot_id_ = {}; }
    EntityId name(const Process& process);

  private:
    struct Free {
        void operator()([[maybe_unused]] EVP_MD* digest) const {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
            EVP_MD_free(digest);
#endif
        }
        void operator()(EVP_MD_CTX* context) const {
            EVP_MD_CTX_free(context);
        }
    };
    std::unique_ptr<EVP_MD, Free> sha1_;
    std::unique_ptr<EVP_MD_CTX, Free> context_;
    boost::uuids::uuid boot_id_{};
};

}  // namespace audisp_eql::collector
