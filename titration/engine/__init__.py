"""The clinic's arithmetic and rules, computed from arguments alone: no Django, no clock, no file, no setting.

Protocol --start_on, changes--> Course --unfold--> Timeline   what is in force
                                       \\--plan----> Timeline   what is intended
Facts ----gate----> Open | Blocked | Unknown                    may the next step happen?
"""
