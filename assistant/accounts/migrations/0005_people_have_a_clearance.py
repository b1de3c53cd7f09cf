"""People have a clearance, and the purposes they may choose."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_people_are_known_elsewhere'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='clearance',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Internal'), (1, 'Confidential'), (2, 'Strictly confidential')], default=1),
        ),
        migrations.AddField(
            model_name='user',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, help_text='may be chosen; empty: any', size=None),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('roles__contains', ['auditor', 'privacy_officer']), _negated=True), name='an_auditor_opens_and_closes_nothing'),
        ),
    ]
