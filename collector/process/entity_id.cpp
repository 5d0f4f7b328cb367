// SPDX-License-Identifier: Apache-2.0
#include "collector/process/entity_id.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

namespace audisp_eql::collector {

namespace {

boost::uuids::uuid parse_uuid(std::string_view text) {
    boost::uuids::uuid nil{};
    // string_generator throws on bad input and takes forms we never meet: check the shape first.
    if (text.size() != 36)
        return nil;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                         (text[i] >= 'A' && text[i] <= 'F');
        if (dash ? text[i] != '-' : !hex)
            return nil;
    }
    return boost::uuids::string_generator()(text.begin(), text.end());
}

// "pid:tick:n", "pid:s<serial>" or "pid:f<nanoseconds>" in a buffer.
class IdName {
  public:
    IdName& number(std::uint64_t value) {
        end_ = std::to_chars(end_, buffer_ + sizeof buffer_, value).ptr;
        return *this;
    }
    IdName& text(std::string_view value) {
        end_ = std::copy(value.begin(), value.end(), end_);
        return *this;
    }
    std::size_t size() const { return static_cast<std::size_t>(end_ - buffer_); }
    const char* data() const { return buffer_; }

  private:
    char buffer_[80];
    char* end_ = buffer_;
};

// Looked for once: EVP_sha1() of OpenSSL 3 is looked up at each use. The one of OpenSSL 1.1.1
// (Debian 11, EL 8) is a constant and nobody's to free.
EVP_MD* find_sha1() {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    return EVP_MD_fetch(nullptr, "SHA1", nullptr);
#else
    return const_cast<EVP_MD*>(EVP_sha1());
#endif
}

}  // namespace

void EntityNamer::set_boot_id(std::string_view uuid) {
    boot_id_ = parse_uuid(uuid);
}

// Every process needs a name, and Boost's name generator takes several times as long.
EntityNamer::EntityNamer() : sha1_(find_sha1()), context_(EVP_MD_CTX_new()) {
    if (!sha1_ || !context_)
        throw std::runtime_error("OpenSSL does not offer SHA-1 on this host");
}

EntityId EntityNamer::name(const Process& process) {
    IdName name;
    name.number(static_cast<std::uint32_t>(process.pid)).text(":");
    if (process.start_tick >= 0)
        name.number(static_cast<std::uint64_t>(process.start_tick))
            .text(":")
            .number(process.ordinal);
    else if (process.first_serial != 0)
        name.text("s").number(process.first_serial);
    else  // only the connector has named it, and not by its own FORK
        name.text("f").number(static_cast<std::uint64_t>(process.first_ns));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_DigestInit_ex(context_.get(), sha1_.get(), nullptr);
    EVP_DigestUpdate(context_.get(), boot_id_.data, boot_id_.size());
    EVP_DigestUpdate(context_.get(), name.data(), name.size());
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    // RFC 9562, 5.5: the first 16 bytes, with the version and the variant in their places.
    boost::uuids::uuid uuid{};
    std::copy_n(digest.begin(), uuid.size(), uuid.begin());
    uuid.data[6] = static_cast<std::uint8_t>((uuid.data[6] & 0x0f) | 0x50);
    uuid.data[8] = static_cast<std::uint8_t>((uuid.data[8] & 0x3f) | 0x80);
    EntityId id;
    boost::uuids::to_chars(uuid, id.text.data(), id.text.data() + id.text.size());
    return id;
}

}  // namespace audisp_eql::collector
