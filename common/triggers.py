"""A first migration's triggers, installed at one go."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class InstallTriggers(Operation):
    """Install the triggers that the `CreateModel`s before it name in their options.

    pgtrigger's own `AddTrigger` draws every related model anew for each trigger, a tenth of a second each among a
    hundred tables; a later trigger is still added by it. Dropping the tables takes the triggers with them.
    """

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models know their triggers already."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for (app, _model), state in to_state.models.items():
            for trigger in state.options.get("triggers", ()) if app == app_label else ():
                # The trigger's own text: nothing in it is a parameter.
                schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Nothing is left to do once the tables are dropped."""

    def describe(self) -> str:
        return "Install the triggers of the tables"
