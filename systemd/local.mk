# SPDX-License-Identifier: Apache-2.0
# sorted: *.service *.socket
EXTRA_DIST +=
