"""Submits a document to Pitcrew and prints the answer: submit.py AMQP_URL EXCHANGE < submission.json"""
import sys
import uuid

import pika

url, exchange = sys.argv[1:3]
parameters = pika.URLParameters(url)
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()
answers = []
channel.basic_consume("amq.rabbitmq.reply-to", lambda *answer: answers.append(answer[3]), auto_ack=True)
properties = pika.BasicProperties(
    content_type="application/json", delivery_mode=2, message_id=str(uuid.uuid4()),
    user_id=parameters.credentials.username, reply_to="amq.rabbitmq.reply-to")
channel.basic_publish(exchange, "tenant.any", sys.stdin.buffer.read(), properties, mandatory=True)
while not answers:
    connection.process_data_events(time_limit=1)
print(answers[0].decode())
connection.close()
