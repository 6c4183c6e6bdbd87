# SPDX-License-Identifier: Apache-2.0
"""What the real client sees, case by case, of two servers: see ../test_against_peer.py."""
