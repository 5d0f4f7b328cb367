# SPDX-License-Identifier: Apache-2.0
"""Every scenario, in one list: a scenario's place in it gives its ports."""

import at_work
import attacks
import daily_work
import hidden
import ordinary
import server_work
import unfamiliar
import unusual
import variants

SCENARIOS = attacks.ATTACKS + hidden.ATTACKS + unusual.ATTACKS + ordinary.WORKS + \
    at_work.WORKS + variants.ATTACKS + daily_work.WORKS + unfamiliar.ATTACKS + \
    server_work.WORKS
