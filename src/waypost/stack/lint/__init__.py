"""The contract lint: what a CloudFormation template promises, and cannot keep at 3 a.m.

Schema checkers see whether a template can be deployed. This sees whether, deployed, it loses
events, and whether anybody hears of it: alarms that can never go off, dashboards that are empty,
hand-overs that drop, errors that count as success.
"""
