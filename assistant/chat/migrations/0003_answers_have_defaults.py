"""What is written of an answer before anybody has begun it stands in the database."""

from django.db import migrations, models

import assistant.chat.models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0002_answers_are_for_who_asked'),
    ]

    operations = [
        migrations.AlterField(
            model_name='answer',
            name='attempt',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='answer',
            name='model',
            field=models.CharField(db_default='', default='', max_length=100),
        ),
        migrations.AlterField(
            model_name='answer',
            name='reason',
            field=models.TextField(db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='answer',
            name='receipt',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AlterField(
            model_name='answer',
            name='sentences',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name='answer',
            name='state',
            field=models.CharField(db_default=assistant.chat.models.AnswerState['QUEUED'], default=assistant.chat.models.AnswerState['QUEUED'], max_length=10),
        ),
        migrations.AlterField(
            model_name='answer',
            name='text',
            field=models.TextField(db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='answer',
            name='why',
            field=models.CharField(db_default='', default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='answerwork',
            name='attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='answerwork',
            name='stop_requested',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='answerwork',
            name='worker',
            field=models.CharField(db_default='', default='', max_length=80),
        ),
    ]
