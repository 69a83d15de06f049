"""How somebody works a page: with the mouse, or with the keys alone."""


class Mouse:
    def __init__(self, tab):
        self.tab = tab

    def press(self, element) -> None:
        """A button or a link."""
        element.click()

    def tick(self, box) -> None:
        box.check()

    def write(self, field, text: str) -> None:
        field.fill(text)

    def choose(self, field, option: str) -> None:
        """The option that is called so."""
        field.select_option(label=option)

    def attach(self, field, path) -> None:
        field.set_input_files(path)


class Keys:
    """Tab leads to everything, and nothing is clicked, focused or filled in by a script."""

    def __init__(self, tab):
        self.tab = tab

    def reach(self, element) -> None:
        element.wait_for()
        for _time in range(150):
            if element.evaluate("it => it === document.activeElement"):
                return
            self.tab.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {element}.")

    def press(self, element) -> None:
        self.reach(element)
        self.tab.keyboard.press("Enter")

    def tick(self, box) -> None:
        self.reach(box)
        self.tab.keyboard.press("Space")

    def write(self, field, text: str) -> None:
        self.reach(field)
        self.tab.keyboard.press("ControlOrMeta+A")
        self.tab.keyboard.type(text)

    def choose(self, field, option: str) -> None:
        """Its name is typed, until the browser shows it."""
        self.reach(field)
        self.tab.keyboard.type(option)
        assert field.locator("option:checked").inner_text() == option

    def attach(self, field, path) -> None:
        with self.tab.expect_file_chooser() as chooser:
            self.reach(field)  # in here: by then the browser surely knows that we wait for the dialog
            self.tab.keyboard.press("Enter")
        chooser.value.set_files(path)
