"""What the test operations are started with."""

from django import forms


class LedgerForm(forms.Form):
    """How many items, and what is to go wrong with which. Lists are comma-separated item numbers."""

    items = forms.IntegerField(min_value=0, initial=10)
    work_us = forms.IntegerField(min_value=0, initial=0, help_text="How long each takes.")
    reject = forms.CharField(required=False, initial="", help_text="These raise Reject before they write.")
    skip = forms.CharField(required=False, initial="", help_text="These raise Skip before they write.")
    fail = forms.CharField(required=False, initial="", help_text="These raise ValueError after they have written.")
    stop = forms.CharField(required=False, initial="", help_text="These raise Stop before they write.")
    die = forms.CharField(required=False, initial="", help_text="These kill their process after they have written.")
    gate = forms.CharField(required=False, initial="", help_text="item:path: at this item, say so and wait (gates.py).")


class WalkForm(LedgerForm):
    """Over which walk; see walks.py."""

    walk = forms.ChoiceField(choices=[(name, name) for name in ("pairs", "pages", "workbook", "files")])


class CountForm(forms.Form):
    """How many items."""

    count = forms.IntegerField(min_value=0, initial=1)


class HooksForm(forms.Form):
    """In which hook to stand, and where."""

    stand_in = forms.ChoiceField(choices=[("on_start", "on_start"), ("on_finish", "on_finish")])
    gate = forms.CharField()


class TimeForm(forms.Form):
    """How many items, and how long all of them take together."""

    items = forms.IntegerField(min_value=1, initial=100)
    seconds = forms.FloatField(min_value=0, initial=1)


class HabitForm(forms.Form):
    """What an item does to its process."""

    habit = forms.ChoiceField(choices=[(habit, habit) for habit in ("ignore the signal", "leave a thread behind")])
