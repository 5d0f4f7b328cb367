// SPDX-License-Identifier: Apache-2.0
// Asio's own code, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
#ifdef AUDISP_EQL_TLS
#include <boost/asio/ssl/impl/src.hpp>
#endif
