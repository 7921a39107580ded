"""Follows a long-running operation of Azure Resource Manager one request at a time.

The SDK's pollers wait inside the call; a function must not (law 5). This polling method never waits: it starts with the
first answer, gives a token to store, and looks once whenever it is asked.
"""

from azure.core.exceptions import HttpResponseError
from azure.core.polling.base_polling import BadResponse, BadStatus, OperationFailed
from azure.mgmt.core.polling.arm_polling import ARMPolling


class OneLook(ARMPolling):
    """A polling method for `begin_*` calls whose poller must not poll."""

    def finished(self) -> bool:
        """Keep the poller from starting a thread that waits."""
        return True

    def run(self) -> None:
        """Not called, because the poller believes that all is done."""

    def look(self) -> str:
        """Ask for the operation's status once.

        Returns:
            The platform's word, such as `InProgress`, `Succeeded` or `Failed`.

        Raises:
            HttpResponseError: the status could not be read.
        """
        try:
            self.update_status()
        except BadStatus as error:
            raise HttpResponseError(response=self._pipeline_response.http_response, error=error) from error
        except (BadResponse, OperationFailed):
            return "Failed"
        return str(self.status())
