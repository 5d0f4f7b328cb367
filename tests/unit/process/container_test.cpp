// SPDX-License-Identifier: Apache-2.0
#include "collector/process/container.hpp"

#include <boost/test/unit_test.hpp>

namespace audisp_eql::collector {

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(containers_by_the_path_of_their_control_group) {
    const std::string id(64, 'a');
    const std::string outer(64, 'b');
    const std::string uid = "0a1b2c3d-1111-2222-3333-444455556666";
    const std::string uid_ = "0a1b2c3d_1111_2222_3333_444455556666";
    struct Row {
        std::string path;
        std::string id, runtime, pod;
    };
    const Row rows[] = {
        {"/docker/" + id, id, "docker", ""},
        {"/system.slice/docker-" + id + ".scope", id, "docker", ""},
        {"/system.slice/docker-" + id + ".scope/init.scope", id, "docker", ""},
        {"/docker/" + outer + "/docker/" + id, id, "docker", ""},
        {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uid_ +
             ".slice/cri-containerd-" + id + ".scope",
         id, "containerd", uid},
        {"/kubepods.slice/kubepods-pod" + uid_ + ".slice/crio-" + id + ".scope", id, "cri-o", uid},
        {"/kubepods/besteffort/pod" + uid + "/" + id, id, "", uid},
        {"/kubepods/burstable/pod" + std::string(32, '5') + "/" + id, id, "", std::string(32, '5')},
        {"/machine.slice/libpod-" + id + ".scope/container", id, "podman", ""},
        {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", id,
         "podman", ""},
        {"/libpod_parent/libpod-" + id, id, "podman", ""},
        {"/ecs/0123456789abcdef/" + id, id, "", ""},
        {"/machine.slice/systemd-nspawn@web.service/payload", "web", "systemd-nspawn", ""},
        {"/lxc/web/system.slice", "web", "lxc", ""},
        {"/lxc.payload.web/init.scope", "web", "lxc", ""},
        // no containers
        {"/", "", "", ""},
        {"", "", "", ""},
        {"/user.slice/user-1000.slice/session-3.scope", "", "", ""},
        {"/system.slice/docker.service", "", "", ""},
        {"/machine.slice/libpod-conmon-" + id + ".scope", "", "", ""},
        {"/lxc.monitor.web", "", "", ""},
        {"/system.slice/docker-" + id.substr(1) + ".scope", "", "", ""},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.path) {
            const Container found = container_of(row.path);
            BOOST_TEST(found.id == row.id);
            BOOST_TEST(found.runtime == row.runtime);
            BOOST_TEST(found.pod_uid == row.pod);
        }
    }
}

BOOST_AUTO_TEST_CASE(of_several_hierarchies_the_one_that_tells) {
    const std::string id(64, 'a');
    BOOST_TEST(telling_cgroup("0::/system.slice/sshd.service\n") == "/system.slice/sshd.service");
    BOOST_TEST(telling_cgroup("12:memory:/docker/" + id + "\n1:name=systemd:/init.scope\n0::/\n") ==
               "/docker/" + id);
    BOOST_TEST(telling_cgroup("12:memory:/\n1:name=systemd:/system.slice/a.service\n0::/\n") ==
               "/system.slice/a.service");
    BOOST_TEST(telling_cgroup("0::/a:b/c") == "/a:b/c");
    BOOST_TEST(telling_cgroup("") == "");
    BOOST_TEST(telling_cgroup("nothing\n:\n") == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
