// SPDX-License-Identifier: Apache-2.0
// What kernels answer when they are tried, and what is said of it.
#include "collector/host/kernel_features.hpp"

#include <cerrno>
#include <optional>
#include <string>

#include <boost/test/unit_test.hpp>
#include <libaudit.h>

#include "collector/host/finding.hpp"
#include "tests/unit/host/hosts.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::uint32_t kIoUringList = 7;  // AUDIT_FILTER_URING_EXIT

// Answers as audit_data_to_entry() of kernels of an age does; never has a rule.
class KernelOfAnAge final : public AuditControl {
  public:
    bool knows_families = true, knows_io_uring = true;
    int refusal = 0;  // of everything

    int status(AuditStatus&) override { return 0; }
    int set_enabled(std::uint32_t) override { return changed(); }
    int set_backlog_limit(std::uint32_t) override { return changed(); }
    int set_backlog_wait_time(std::uint32_t) override { return changed(); }
    int release_pid() override { return changed(); }
    int add_rule(const AuditRuleBytes&) override { return changed(); }
    int list_rules(std::vector<AuditRuleBytes>&) override { return 0; }
    int delete_rule(const AuditRuleBytes& rule) override {
        if (refusal != 0)
            return refusal;
        const auto* data = reinterpret_cast<const audit_rule_data*>(rule.data());
        if (data->flags == kIoUringList && !knows_io_uring)
            return EINVAL;
        for (std::uint32_t i = 0; i < data->field_count; ++i) {
            if (data->fields[i] == AUDIT_SADDR_FAM && !knows_families)
                return EINVAL;
            if (data->fields[i] == AUDIT_EXE)
                return ENOENT;
        }
        return looked_for();
    }

  private:
    static int changed() {
        BOOST_ERROR("something would be changed");
        return 0;
    }
    static int looked_for() {
        BOOST_ERROR("a rule that the kernel looks for leaves a record");
        return ENOENT;
    }
};

KernelFeatures tried(KernelOfAnAge& kernel, std::uint32_t enabled = 1) {
    KernelFeatures features;
    AuditStatus status;
    status.enabled = enabled;
    try_audit_rules(kernel, status, features);
    return features;
}

BOOST_AUTO_TEST_SUITE(host)

BOOST_AUTO_TEST_CASE(rules_are_tried_on_the_kernel) {
    KernelOfAnAge young;
    BOOST_TEST((tried(young).address_family == true));
    BOOST_TEST((tried(young).io_uring_rules == true));

    KernelOfAnAge of_debian_11;
    of_debian_11.knows_io_uring = false;
    BOOST_TEST((tried(of_debian_11).address_family == true));
    BOOST_TEST((tried(of_debian_11).io_uring_rules == false));

    KernelOfAnAge of_debian_10;
    of_debian_10.knows_io_uring = of_debian_10.knows_families = false;
    BOOST_TEST((tried(of_debian_10).address_family == false));

    // What says nothing of the kernel is not taken for an answer.
    KernelOfAnAge locked;
    BOOST_TEST(!tried(locked, 2).address_family.has_value());
    for (const int error : {EPERM, EINVAL, ECONNREFUSED}) {
        KernelOfAnAge refusing;
        refusing.refusal = error;
        BOOST_TEST(!tried(refusing).address_family.has_value(), error);
        BOOST_TEST(!tried(refusing).io_uring_rules.has_value(), error);
    }
}

BOOST_AUTO_TEST_CASE(a_missing_right_is_not_a_missing_group) {
    BOOST_TEST((multicast_from(0) == true));
    BOOST_TEST((multicast_from(EINVAL) == false));
    BOOST_TEST((multicast_from(EPERM) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_doctor_names_what_is_done_without) {
    struct Case {
        std::optional<bool> KernelFeatures::*feature;
        const char* text;
    };
    const Case cases[] = {
        {&KernelFeatures::address_family, "sorted out here"},
        {&KernelFeatures::io_uring_rules, "kernel thread does is not seen"},
        {&KernelFeatures::multicast, "only auditd's plugin works"},
        {&KernelFeatures::connector_filter, "read and put away"},
    };
    for (const Case& row : cases) {
        HostState host = sound_host();
        host.kernel.features.*row.feature = false;
        std::string said;
        for (const Finding& finding : examine(host))
            if (finding.check == "kernel_features")
                said = finding.text;
        BOOST_TEST((said.find(row.text) != std::string::npos), said);
        BOOST_TEST((said.find(';') == std::string::npos), said);
        host.kernel.features.*row.feature = true;
        BOOST_TEST(fallbacks_text(host.kernel.features) == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
