"""What every gateway must do, as tests: subclass :class:`GatewayContract`, give one fixture, and run pytest.

    from dinnerkit.testing import GatewayBench, GatewayContract

    class TestOurGateway(GatewayContract):
        @pytest.fixture
        def bench(self, tmp_path):
            with opened(tmp_path) as gateway:
                yield GatewayBench(gateway=gateway)

The tests know a gateway by its port alone. What a bench can't give, and what a gateway has no capability for, is skipped, and says so. A
failure tells in a sentence what the gateway did wrong: :class:`ContractBroken`. Only this package of dinnerkit's imports pytest.
"""

from __future__ import annotations

from dinnerkit.testing.expecting import ContractBroken
from dinnerkit.testing.gateway.asking import Asking
from dinnerkit.testing.gateway.bench import GatewayBench, Signer
from dinnerkit.testing.gateway.charging import Charging
from dinnerkit.testing.gateway.looking_back import LookingBack
from dinnerkit.testing.gateway.paying_hosts import PayingHosts
from dinnerkit.testing.gateway.refunding import Refunding
from dinnerkit.testing.gateway.standing import Standing
from dinnerkit.testing.gateway.telling import Telling

__all__ = ["ContractBroken", "GatewayBench", "GatewayContract", "Signer"]


class GatewayContract(Charging, Asking, Refunding, LookingBack, PayingHosts, Telling, Standing):
    """The tests that every gateway must pass."""
