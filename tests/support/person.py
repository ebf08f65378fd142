"""A person at the page, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selenium.webdriver.common.keys import Keys

__all__ = ["WAIT_SECONDS", "Keys", "Person"]

WAIT_SECONDS = 30


class Person:
    """What a person can do on the page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1400, theme: str = "light", seconds: float = WAIT_SECONDS) -> None:
        """Open the page and wait until it stands; the browser's logs start anew."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for log in ("performance", "browser"):
            self.driver.get_log(log)
        self.driver.get(f"{url}/?__theme={theme}")
        self.wait(lambda: self.all(".sl-device") and self.all("#sl-query textarea, #sl-query input"), seconds)

    def wait(self, until: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """Wait for a claim to come true."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, seconds, 0.05, ignored_exceptions=(StaleElementReferenceException,))
        return waiting.until(lambda _: until())

    def all(self, selector: str) -> list[Any]:
        """Every element that is there now."""
        return list(self.driver.find_elements("css selector", selector))

    def texts(self, selector: str) -> list[str]:
        """What those elements say, hidden or not."""
        return [str(one.get_attribute("textContent")).strip() for one in self.all(selector)]

    def ask(self, query: str) -> None:
        """Type a query and press Enter."""
        box = self.all("#sl-query textarea, #sl-query input")[0]
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(query or Keys.DELETE, Keys.ENTER)

    def turn_to(self, name: str) -> None:
        """Choose a tab."""
        self.wait(lambda: [one for one in self.all("button[role=tab]") if one.text.strip() == name])[0].click()

    def run(self, script: str) -> Any:
        """The value of a script on the page."""
        return self.driver.execute_script(script)
